"""A NIfTI file of a dataset, read strictly: ITK takes one that was cut off, damaged or without a place for whole.

Measured with SimpleITK 2.5.7: half a .nii.gz, one with a wrong checksum and one whose affine holds NaN are read without
an error, the missing voxels as 0.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import LPS_TO_RAS
from fedbundle.site.labels.mask import PLACE_TOLERANCE

GZIP = b"\x1f\x8b"
NIFTI_2 = 540  # size of its header in bytes; that of NIfTI-1 is 348
MM = {"meter": 1000.0, "micron": 0.001}  # length in mm of the units that are not mm or unknown
RIGHT_ANGLE = 1e-3  # largest cosine between two axes; ITK reads no other


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a volume lie."""

    shape: tuple[int, ...]  # slices, rows, columns
    affine: Array  # 4x4, voxel index (column, row, slice) -> LPS mm

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of voxel centres in mm: between columns, rows, slices."""
        columns, rows, slices = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return columns, rows, slices

    def apart(self, other: "Grid") -> str:
        """Why two volumes do not lie on the same voxels; empty when they do."""
        if self.shape != other.shape:
            return "{} voxels, wanted {}".format(*("x".join(map(str, each.shape[::-1])) for each in (self, other)))
        last = np.array(self.shape[::-1]) - 1
        corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*last, 1]
        off = float(np.abs(corners @ (self.affine - other.affine).T).max())
        return f"corners up to {off:.2g} mm apart" if off > PLACE_TOLERANCE * min(other.spacing) else ""


@dataclass(frozen=True, eq=False)
class ImageFile:
    """Voxels and their grid."""

    array: NDArray[Any]  # [slice, row, column], scaled; other axes where the file is no single volume
    grid: Grid

    @classmethod
    def read(cls, path: Path) -> "ImageFile":
        """Read it.

        Raises:
            ValueError: it cannot be read as training will; the text says why, and no name.
            OSError: the disk does not give its bytes, which says nothing of the file.
        """
        content = path.read_bytes()
        try:
            raw = igzip.decompress(content) if content.startswith(GZIP) else content  # type: ignore[no-untyped-call]
            second = int.from_bytes(raw[:4], "little") == NIFTI_2
            image: Any = (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_bytes(raw)
            array = np.asanyarray(image.dataobj)
            affine = np.asarray(image.affine, dtype=np.float64)
        except MemoryError:
            raise
        except Exception as error:  # of nibabel and igzip, without a common class; some are OSError
            raise ValueError("no whole NIfTI file") from error
        while array.ndim > 3 and array.shape[-1] == 1:  # as ITK does
            array = array[..., 0]
        affine = np.diag([*[MM.get(_unit(image.header), 1.0)] * 3, 1.0]) @ LPS_TO_RAS @ affine
        if not _right_angled(affine):
            raise ValueError("axes that are not at right angles, or no place")
        return cls(array.T, Grid(array.shape[::-1], affine))


def _unit(header: Any) -> str:
    try:
        return str(header.get_xyzt_units()[0])
    except KeyError:  # a code that NIfTI does not know
        return "unknown"


def _right_angled(affine: Array) -> bool:
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (lengths > 0).all():
        return False
    axes = affine[:3, :3] / lengths
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() <= RIGHT_ANGLE)
