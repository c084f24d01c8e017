"""Pixels of a series as one volume in LPS millimetres, read by SimpleITK, written as NIfTI without any text."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from fedbundle.dicom.geometry import Array, Plane, distances, plane, stack_affine
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Series
from fedbundle.errors import DicomError
from fedbundle.files import new_file

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
COMPRESSION = 1  # gzip level; more costs time and saves little on noisy images
HEADER = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "FrameOfReferenceUID"]


@dataclass(frozen=True, eq=False)
class Volume:
    """A regular grid of voxels in the patient."""

    array: NDArray[np.float32]  # [slice, row, column], after Modality LUT (rescale slope and intercept)
    affine: Array  # 4x4 float64, voxel index (column, row, slice) -> LPS mm; right-handed
    frame_of_reference_uid: str

    @classmethod
    def read(cls, files: Sequence[Path]) -> "Volume":
        """Read the slices of one series that the gate let through, in any order of files.

        Raises:
            DicomError: a file cannot be read or decoded, or the slices do not fit together.
        """
        with tolerant():
            headers = [dcmread(file, stop_before_pixels=True, specific_tags=list(HEADER)) for file in files]
        return cls._stack(files, headers, [plane(header) for header in headers])

    @classmethod
    def of(cls, series: Series) -> "Volume":
        """Like `read`, with the headers that `scan` has read already."""
        return cls._stack(series.files, series.headers, series.planes)

    @classmethod
    def _stack(cls, files: Sequence[Path], headers: Sequence[Dataset], places: Sequence[Plane | None]) -> "Volume":
        planes = [found for found in places if found]
        if not files or len(planes) != len(files):
            raise DicomError("every slice must have a place, got one without; let the gate judge the series first")
        order = np.argsort(distances(planes)).tolist()
        array = _pixels([files[i] for i in order])
        affine = stack_affine([planes[i] for i in order])
        with tolerant():
            return cls(array, affine, text(headers[order[0]], "FrameOfReferenceUID"))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of voxel centres in mm: between columns, rows, slices."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return lengths[0], lengths[1], lengths[2]

    def to_nifti(self, path: Path) -> None:
        """Write `path` (.nii.gz), whole or not at all; whole numbers as int16, else float32.

        Raises:
            OutputError: the place cannot be written.
        """
        whole = bool(np.array_equal(self.array, np.rint(self.array))) and float(np.abs(self.array).max()) < 2**15
        write_nifti(self.array.astype(np.int16) if whole else self.array, self.affine, path)


def write_nifti(array: NDArray[np.generic], affine: Array, path: Path) -> None:
    """Write voxels [slice, row, column] on an LPS grid as NIfTI-1 (.nii.gz): geometry and numbers, no text, no time.

    The same voxels give the same bytes.

    Raises:
        OutputError: the place cannot be written.
    """
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), LPS_TO_RAS @ affine)
    image.set_sform(image.affine, code="scanner")
    image.set_qform(image.affine, code="scanner")
    image.header.set_xyzt_units("mm")
    content = gzip.compress(image.to_bytes(), COMPRESSION, mtime=0)
    with new_file(path) as part:
        part.write_bytes(content)


def _pixels(files: Sequence[Path]) -> NDArray[np.float32]:
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetOutputPixelType(sitk.sitkFloat32)  # else the first slice decides, and later slopes are cut off
    reader.SetFileNames([str(file) for file in files])
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote file names
    try:
        image = reader.Execute()
    except RuntimeError as error:  # its message quotes file names
        raise DicomError("pixels must be readable and of one size, got a file that is not; send it again") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    return np.asarray(sitk.GetArrayFromImage(image), dtype=np.float32)
