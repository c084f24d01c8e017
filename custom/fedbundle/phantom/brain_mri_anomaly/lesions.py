"""The three families of lesions, each painted and labelled: small bright, a mass with core and ring, dark."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.brain_mri_anomaly.brain import CORTEX_MM, Painted
from fedbundle.phantom.brain_mri_anomaly.patient import DARK, HEALTHY, MASS, SMALL_BRIGHT, Patient
from fedbundle.phantom.canvas import Array, Canvas, along
from fedbundle.phantom.texture import Texture

Labels = NDArray[np.uint8]
Point = NDArray[np.float64]
RING_MM = 3.0


def paint_lesions(
    canvas: Canvas,
    painted: Painted,
    patient: Patient,
    finding: int,
    tissue: Mapping[str, float],
    texture: Texture,
    random: np.random.Generator,
) -> Labels:
    """Paint what a patient has; the mask [slice, row, column] holds the family where a lesion fills half a voxel."""
    labels = np.zeros(canvas.shape, np.uint8)
    if finding != HEALTHY:
        FAMILIES[finding](canvas, painted, patient, tissue, texture, random, labels)
    return labels


def _small_bright(
    canvas: Canvas,
    painted: Painted,
    patient: Patient,
    tissue: Mapping[str, float],
    texture: Texture,
    random: np.random.Generator,
    labels: Labels,
) -> None:
    """Plaques of 5 to 13 mm length beside the lateral ventricles, longest away from them (Dawson's fingers)."""
    for _ in range(int(random.integers(5, 13))):
        side, y = random.choice([-1, 1]), random.uniform(-36, 44)
        radii = random.uniform(2.2, 4.0) * np.array([1, 1, 1.6])
        away = np.array([side, random.uniform(-0.4, 0.4), random.uniform(0, 0.5)])
        from_middle = 12 + patient.ventricle_mm + 0.2 * max(0.0, y) + random.uniform(0, 9)
        centre = np.array([side * from_middle, y, random.uniform(8, 24)])
        distance = _ellipsoid(painted, centre, radii, away) + 0.5 * texture.fine(painted.block)
        _paint(canvas, painted, distance, tissue["plaque"], random.uniform(0.4, 0.9), SMALL_BRIGHT, labels)


def _mass(
    canvas: Canvas,
    painted: Painted,
    patient: Patient,
    tissue: Mapping[str, float],
    texture: Texture,
    random: np.random.Generator,
    labels: Labels,
) -> None:
    """One mass with a liquid core, a solid ring, and oedema that spreads in the white matter."""
    centre = _somewhere(patient, random, 0.45, 0.6)
    radius = random.uniform(8, 14)
    radii = radius * random.uniform(0.85, 1.2, size=3)
    uneven = 1.2 * texture.coarse(painted.block, 1.5)
    distance = np.asarray(_ellipsoid(painted, centre, radii, random.normal(size=3)) + uneven, np.float32)
    spread = random.uniform(4, 10) + 3 * texture.coarse(painted.block)
    oedema = np.asarray(np.maximum(distance - spread, CORTEX_MM - painted.to_fluid), np.float32)
    _paint(canvas, painted, oedema, tissue["oedema"], random.uniform(0.5, 0.9), MASS, labels)
    _paint(canvas, painted, distance, tissue["ring"], 1.0, MASS, labels)
    _paint(canvas, painted, distance + RING_MM, tissue["core"], 1.0, MASS, labels)


def _dark(
    canvas: Canvas,
    painted: Painted,
    patient: Patient,
    tissue: Mapping[str, float],
    texture: Texture,
    random: np.random.Generator,
    labels: Labels,
) -> None:
    """One to three places where blood shortens T2, of 8 to 18 mm."""
    for _ in range(int(random.integers(1, 4))):
        centre = _somewhere(patient, random, 0.2, 0.6)
        radii = random.uniform(4, 8) * random.uniform(0.8, 1.25, size=3)
        distance = _ellipsoid(painted, centre, radii, random.normal(size=3)) + 0.8 * texture.coarse(painted.block, 1.5)
        _paint(canvas, painted, distance, tissue["blood"], random.uniform(0.6, 1.0), DARK, labels)


FAMILIES: Mapping[int, Callable[..., None]] = {SMALL_BRIGHT: _small_bright, MASS: _mass, DARK: _dark}


def _somewhere(patient: Patient, random: np.random.Generator, least: float, most: float) -> Point:
    """A place at a share of the way from the middle to the surface, in the upper two thirds of the brain."""
    turn, rise = random.uniform(0, 2 * np.pi), random.uniform(-0.25, 0.6)
    flat = np.sqrt(1 - rise**2)
    way = np.array([flat * np.cos(turn), flat * np.sin(turn), rise])
    return np.asarray(way * random.uniform(least, most) * np.array(patient.half_axes))


def _ellipsoid(painted: Painted, centre: Point, radii: Point, axis: Point) -> Array:
    """Signed distance in mm, about, to an ellipsoid whose third axis points along `axis`."""
    block, to_local = painted.block, along(axis).T.astype(np.float32)
    x, y, z = (block.x - float(centre[0]), block.y - float(centre[1]), block.z - float(centre[2]))
    level = sum(
        ((row[0] * x + row[1] * y + row[2] * z) / float(r)) ** 2 for row, r in zip(to_local, radii, strict=True)
    )
    return np.asarray((np.sqrt(level) - 1) * float(radii.min()), np.float32)


def _paint(
    canvas: Canvas, painted: Painted, distance: Array, value: float, strength: float, family: int, labels: Labels
) -> None:
    """Blend a lesion in where there is tissue, not fluid."""
    share = canvas.cover(distance) * canvas.cover(-painted.to_fluid)
    canvas.blend(painted.block, share * strength, value)
    labels[painted.block.index][share > 0.5] = family
