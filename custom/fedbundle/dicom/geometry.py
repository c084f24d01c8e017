"""Where slices lie: LPS, millimetres, float64 (DICOM PS3.3 C.7.6.2.1.1, Image Plane Module)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.dicom.header import alike, numbers, stored

Array = NDArray[np.float64]
PLANES = ("sagittal", "coronal", "transverse")  # by the patient axis (L, P, S) nearest to the normal
UNIT_TOLERANCE = 1e-3  # of the length of a direction cosine vector, and of the product of the two


@dataclass(frozen=True)
class Plane:
    """The plane of one slice."""

    position: Array  # (3,) LPS mm, centre of the first voxel sent
    along_row: Array  # (3,) unit vector in which the column index grows
    along_column: Array  # (3,) unit vector in which the row index grows
    spacing: tuple[float, float]  # mm between rows, between columns (the order of Pixel Spacing)

    @property
    def normal(self) -> Array:
        """Unit normal, right-handed: along_row x along_column."""
        (a, b, c), (d, e, f) = self.along_row.tolist(), self.along_column.tolist()
        return np.array([b * f - c * e, c * d - a * f, a * e - b * d])  # np.cross takes ten times as long

    @property
    def sound(self) -> bool:
        """Directions are unit vectors at right angles and spacings are positive."""
        lengths = (float(np.linalg.norm(self.along_row)), float(np.linalg.norm(self.along_column)))
        return (
            all(abs(length - 1) < UNIT_TOLERANCE for length in lengths)
            and abs(float(self.along_row @ self.along_column)) < UNIT_TOLERANCE
            and min(self.spacing) > 0
        )


def plane(header: Dataset) -> Plane | None:
    """Plane of a slice, or None when an element of it is absent or malformed."""
    return planes_of([header])[0]


def planes_of(headers: Sequence[Dataset]) -> list[Plane | None]:
    """Planes of slices; orientation and spacing, mostly the same in all, are decoded once for each kind."""
    planes: list[Plane | None] = [None] * len(headers)
    for members in alike([stored(headers, name) for name in ("ImageOrientationPatient", "PixelSpacing")]):
        orientation = numbers(headers[members[0]], "ImageOrientationPatient", 6)
        spacing = numbers(headers[members[0]], "PixelSpacing", 2)
        if not (orientation and spacing):
            continue
        row, column = np.array(orientation[:3]), np.array(orientation[3:])
        for index in members:
            position = numbers(headers[index], "ImagePositionPatient", 3)
            if position:
                planes[index] = Plane(np.array(position), row, column, (spacing[0], spacing[1]))
    return planes


def distances(planes: Sequence[Plane]) -> Array:
    """Distance of each slice along the normal of the first one, in mm."""
    return np.array([each.position for each in planes]) @ planes[0].normal


def nearest_plane(normal: Array) -> tuple[str, float]:
    """Name of the anatomical plane nearest to a slice with this normal, and the angle between the two in degrees."""
    axis = int(np.argmax(np.abs(normal)))
    cosine = min(1.0, abs(float(normal[axis])) / float(np.linalg.norm(normal)))
    return PLANES[axis], float(np.degrees(np.arccos(cosine)))


def stack_affine(planes: Sequence[Plane]) -> Array:
    """4x4 matrix from voxel index (column, row, slice) to LPS mm of a regular stack, sorted along the normal.

    The slice axis runs from the first to the last position, so rounding in single headers does not add up.
    """
    first, last = planes[0], planes[-1]
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing[1]
    affine[:3, 1] = first.along_column * first.spacing[0]
    affine[:3, 2] = (last.position - first.position) / (len(planes) - 1) if len(planes) > 1 else first.normal
    affine[:3, 3] = first.position
    return affine
