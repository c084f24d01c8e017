"""Rough surfaces along which a bone breaks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A plane with waves; what lies on the side of its normal is cut away."""

    point: Vector
    normal: Vector
    waves: NDArray[np.float64]
    """[wave, (amplitude in mm, phase, three wave numbers per mm)]."""
    within_mm: float | None = None
    """Radius about `point` of a ball outside of which all is cut away as well."""
    other_side: bool = False
    """What would be cut away stays, and the rest is cut away."""
    grown_mm: float = 0.0
    """How much further the piece reaches than the surface."""

    def distance(self, block: Block) -> Array:
        """Signed distance in mm at the points of a block, negative where the piece stays."""
        p, n = self.point, self.normal
        away = block.x * np.float32(n[0]) + block.y * np.float32(n[1])
        away += block.z * np.float32(n[2]) - np.float32(p @ n)
        for height, phase, *numbers in self.waves:
            a, b, c = (np.float32(value) for value in numbers)
            away += np.float32(height) * np.sin(a * block.x + b * block.y + (c * block.z + np.float32(phase)))
        if self.within_mm is not None:
            squares = (block.x - p[0]) ** 2 + (block.y - p[1]) ** 2 + (block.z - p[2]) ** 2
            np.maximum(away, np.sqrt(squares) - np.float32(self.within_mm), out=away)
        if self.other_side:
            np.negative(away, out=away)
        away -= np.float32(self.grown_mm)
        return away

    def turned(self) -> "Cut":
        """The same surface, seen from the piece on its other side."""
        return replace(self, other_side=not self.other_side)

    def grown(self, mm: float) -> "Cut":
        """The piece reaches `mm` over the surface; below 0 a gap is left."""
        return replace(self, grown_mm=mm)


def rough(random: np.random.Generator, height_mm: float) -> NDArray[np.float64]:
    """Waves of 30 to 5 mm for a cut; shorter ones are lower."""
    lengths = np.array([30.0, 17.0, 9.0, 5.0])
    direction = random.normal(size=(4, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    heights = height_mm * np.array([0.9, 0.7, 0.45, 0.25])
    phases = random.uniform(0, 2 * np.pi, 4)
    return np.column_stack([heights, phases, direction * (2 * np.pi / lengths)[:, None]])


SMOOTH = np.zeros((0, 5))
"""No waves: a saw."""
