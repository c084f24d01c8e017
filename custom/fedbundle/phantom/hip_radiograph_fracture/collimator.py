"""The edge of the exposed field, and the lead letter that tells the side."""

from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Film

LETTERS = {
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
}
"""Dots of five columns and seven rows."""
DOT_PIXELS = 2
LEAD = 12.0
"""g/cm2 of steel that stop what the lead of letter and collimator stops."""


@dataclass(frozen=True)
class Field:
    """What the collimator leaves open."""

    edges: tuple[int, int, int, int]
    """First and last column, first and last row."""

    def shade(self, film: Film) -> None:
        """Put lead around the field."""
        lead = film.mass["steel"]
        left, right, top, bottom = self.edges
        for outside in (lead[:top], lead[bottom + 1 :], lead[:, :left], lead[:, right + 1 :]):
            outside += LEAD

    def blacken(self, shown: Array) -> None:
        """Set what lies around the field to 0."""
        left, right, top, bottom = self.edges
        for outside in (shown[:top], shown[bottom + 1 :], shown[:, :left], shown[:, right + 1 :]):
            outside[...] = 0


def draw_field(beam: Beam, most_mm: float, random: np.random.Generator) -> Field:
    """Each edge up to `most_mm` into the film, half of them less than a third of that."""
    left, right, top, bottom = (random.random(4) ** 2 * most_mm / beam.pixel_mm).astype(int).tolist()
    return Field((left, beam.columns - 1 - right, top, beam.rows - 1 - bottom))


def letter(film: Film, side: str, field: Field, random: np.random.Generator) -> None:
    """Lay an R on the patient's right (left in the image), or an L on his left, somewhere near the upper edge."""
    dots = np.array([[dot == "1" for dot in row] for row in LETTERS[side]])
    dots = dots.repeat(DOT_PIXELS, 0).repeat(DOT_PIXELS, 1)
    left, right, top, bottom = field.edges
    row = top + 5 + int(random.uniform(0, 0.35) * (bottom - top))
    inwards = 5 + int(random.uniform(0, 0.05) * (right - left))
    column = left + inwards if side == "R" else right - inwards - dots.shape[1]
    film.mass["steel"][row : row + dots.shape[0], column : column + dots.shape[1]] += dots * np.float32(LEAD)
