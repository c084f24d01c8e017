"""Volumes turned so that a person can look at them: axes feet to head, front to back, right to left."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fedbundle.dicom.geometry import PLANES, Array

Scalar = TypeVar("Scalar", bound=np.generic)
LETTERS = {"transverse": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}  # left, right, top, bottom edge of the picture


@dataclass(frozen=True, eq=False)
class Canonical:
    """How to turn an array [slice, row, column] into [S, P, L], each growing towards head, back and the patient's left.

    Oblique volumes are turned to the nearest axes, not resampled: every voxel stays what it was.
    """

    order: tuple[int, ...]  # axis of [slice, row, column] that becomes S, P, L
    backwards: tuple[bool, ...]  # for S, P, L: whether the index runs the other way
    spacing: tuple[float, ...]  # mm, for S, P, L
    native: str  # plane in which the slices were acquired

    @classmethod
    def of(cls, affine: Array) -> "Canonical":
        """From the 4x4 affine, voxel index (column, row, slice) -> LPS mm."""
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        cosines = affine[:3, :3] / lengths  # [L P S, column row slice]
        left, back, head = _assigned(np.abs(cosines))
        columns = (head, back, left)
        signs = [cosines[axis, column] for axis, column in zip((2, 1, 0), columns, strict=True)]
        normal = (left, back, head).index(2)
        return cls(
            tuple(2 - column for column in columns),
            tuple(bool(sign < 0) for sign in signs),
            tuple(float(lengths[column]) for column in columns),
            PLANES[normal],
        )

    def turn(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """[slice, row, column] -> [S, P, L]; a view, nothing is copied."""
        turned = array.transpose(self.order)
        return turned[tuple(slice(None, None, -1 if back else 1) for back in self.backwards)]

    def source_slice(self, index: int, count: int) -> int:
        """Index of the acquired slice that lies at `index` along the acquisition axis of the turned array."""
        return count - 1 - index if self.backwards[self.axis(self.native)] else index

    @staticmethod
    def axis(plane: str) -> int:
        """Axis of [S, P, L] that a plane is stacked along."""
        return {"transverse": 0, "coronal": 1, "sagittal": 2}[plane]

    def picture(self, turned: NDArray[Scalar], plane: str, index: int) -> NDArray[Scalar]:
        """One plane of a turned array as rows and columns of a picture, in radiological convention.

        The patient's right is at the left edge (transverse, coronal), the front at the left edge (sagittal), the head
        or the front at the top.
        """
        return upright(np.take(turned, index, axis=self.axis(plane)), plane)

    def pixel(self, plane: str) -> tuple[float, float]:
        """Height and width of a picture's pixel in mm."""
        height, width = (size for axis, size in enumerate(self.spacing) if axis != self.axis(plane))
        return height, width


def upright(picture: NDArray[Scalar], plane: str) -> NDArray[Scalar]:
    """A plane of [S, P, L] with the head, or the front, on top."""
    return picture if plane == "transverse" else picture[::-1]


def _assigned(strength: Array) -> tuple[int, int, int]:
    """Column of the affine for L, P and S: the assignment of largest total strength, so that no two share one."""
    choices = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    return max(choices, key=lambda columns: sum(strength[axis, column] for axis, column in enumerate(columns)))
