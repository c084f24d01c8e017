"""Geometry moved to another place and direction by one keyed rigid motion per study, so that affines link nothing.

Position and orientation of a scan have so many digits that they are nearly unique: two releases of one scan were
joined by affine alone. With `rebase`, all series and masks of one study go through the same rotation (3 to 10 degrees
about a keyed axis) and the same shift (up to 500 mm along each axis). Voxels are not resampled: only affines, and
positions and directions in kept DICOM, change. What lay on top of each other still does.

Kept DICOM has other numbers of the examination with as many digits, such as the SAR that the scanner estimated of
this patient; `move` removes them.

It does not protect against whoever has the voxels of both releases, or their sizes and spacings. And it leaves how
two series of one study lie to each other, which is what alignment means: of a study with several series, these
relations are still a key.
"""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.valuerep import format_number_as_ds

from fedbundle.dicom.deid.pseudonyms import keyed_fraction
from fedbundle.dicom.geometry import Array

LEAST_ANGLE, MOST_ANGLE = 3.0, 10.0  # degrees
REACH = 500.0  # mm


@dataclass(frozen=True, eq=False)
class Rebase:
    """A proper rigid motion: right-handed grids stay right-handed, distances and angles stay."""

    matrix: Array  # 4x4 float64, LPS mm of the source -> LPS mm of the release

    @classmethod
    def of(cls, key: bytes, study_uid: str) -> "Rebase":
        """The motion of a study, the same in every run; who has the key and the source's UID can undo it."""
        around, along, angle, *shift = (
            keyed_fraction(key, "rebase", study_uid, name) for name in ("around", "along", "angle", "l", "p", "s")
        )
        height = 2 * along - 1
        flat = np.sqrt(1 - height**2)
        axis = np.array([flat * np.cos(2 * np.pi * around), flat * np.sin(2 * np.pi * around), height])
        matrix = np.eye(4)
        matrix[:3, :3] = _rotation(axis, np.radians(LEAST_ANGLE + (MOST_ANGLE - LEAST_ANGLE) * angle))
        matrix[:3, 3] = REACH * (2 * np.array(shift) - 1)
        return cls(matrix)

    def affine(self, affine: Array) -> Array:
        """A 4x4 matrix from voxel index to LPS mm, in the new place."""
        return np.asarray(self.matrix @ affine, dtype=np.float64)

    def position(self, point: Array) -> Array:
        """A point (3,) in LPS mm, in the new place."""
        return np.asarray(self.matrix[:3, :3] @ point + self.matrix[:3, 3], dtype=np.float64)

    def direction(self, vector: Array) -> Array:
        """A direction (3,), turned."""
        return np.asarray(self.matrix[:3, :3] @ vector, dtype=np.float64)


MOVED = {
    "ImagePositionPatient": Rebase.position,
    "ImageOrientationPatient": Rebase.direction,
    "DiffusionGradientOrientation": Rebase.direction,
}


AS_TELLING = frozenset({"SliceLocation", "SAR", "dBdt", "ImagingFrequency"})


def move(image: Dataset, motion: Rebase) -> None:
    """Move positions and directions of a header at every depth; what tells the same or as much is removed."""
    for tag in list(image.keys()):
        element = image[tag]
        if element.VR == "SQ":
            for item in element.value:
                move(item, motion)
        elif element.keyword in AS_TELLING:
            del image[tag]
        elif element.keyword in MOVED and element.value:
            change, write = MOVED[element.keyword], format_number_as_ds if element.VR == "DS" else float
            points = np.reshape(np.array(element.value, dtype=np.float64), (-1, 3))
            element.value = [write(float(number)) for point in points for number in change(motion, point)]


def _rotation(axis: Array, angle: float) -> Array:
    """Rotation about a unit vector (3,) by `angle` in radians (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross, dtype=np.float64)
