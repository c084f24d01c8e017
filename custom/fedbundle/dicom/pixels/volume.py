"""Pixels of a series as one volume in LPS millimetres, read by SimpleITK, written as NIfTI without any text."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from isal import igzip
from numpy.typing import NDArray
from pydicom.pixels import iter_pixels

from fedbundle.background import later
from fedbundle.dicom.gate.objects import is_coloured, is_projection
from fedbundle.dicom.gate.rules import detector_spacing_mm
from fedbundle.dicom.geometry import Array, stack_affine
from fedbundle.dicom.header import MALFORMED, number, text, tolerant
from fedbundle.dicom.pixels.codestream import check_frames
from fedbundle.dicom.pixels.native import layouts_of, read_native
from fedbundle.dicom.series import Series, read_members
from fedbundle.errors import DicomError
from fedbundle.files import new_file

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNREADABLE = (*MALFORMED, RuntimeError, OSError, EOFError)  # what SimpleITK, pydicom and its decoders raise


class ColourError(DicomError):
    """A colour image that was to be read as grey has channels that differ."""


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
            members = [member for file in files for member in read_members(file)]
        if len({file for _, file, _ in members}) != len(files):
            raise DicomError("every file must be a DICOM image, got another; let the gate judge the series first")
        return cls.of(Series.of(members))

    @classmethod
    def of(cls, series: Series) -> "Volume":
        """Like `read`, with the headers that `scan` has read already.

        A radiograph has no place in the patient: its volume is one slice, the affine tells mm on the detector from
        the first pixel, and there is no frame of reference.

        Raises:
            ColourError: the channels of a colour image differ.
        """
        with tolerant():
            if is_projection(series):
                affine, frame = _detector_affine(series), ""
            else:
                affine, frame = _patient_affine(series), text(series.first, "FrameOfReferenceUID")
            return cls(_pixels(series), affine, frame)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of voxel centres in mm: between columns, rows, slices."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return lengths[0], lengths[1], lengths[2]

    def to_nifti(self, path: Path) -> None:
        """Write `path` (.nii or .nii.gz), whole or not at all; whole numbers as int16, else float32.

        Raises:
            OutputError: the place cannot be written.
        """
        write_nifti(self.compact(), self.affine, path)

    def compact(self) -> NDArray[np.generic]:
        """Voxels as int16 where all of them are such numbers, else as they are."""
        with np.errstate(invalid="ignore"):  # what does not fit comes out different
            short = self.array.astype(np.int16)
        return short if np.array_equal(short, self.array) else self.array


def write_nifti(array: NDArray[np.generic], affine: Array, path: Path) -> None:
    """Write voxels [slice, row, column] on an LPS grid as NIfTI-1: geometry and numbers, no text, no time.

    The same voxels give the same bytes on one kind of processor. A path that ends in .gz is compressed.

    Raises:
        OutputError: the place cannot be written.
    """
    with new_file(path) as part:
        save_nifti(array, affine, part, path.suffix == ".gz")


def save_nifti(array: NDArray[np.generic], affine: Array, path: Path, compressed: bool) -> str:
    """Like `write_nifti`, into a file whose name tells nothing and which may be left half-written; its SHA-256."""
    header = nibabel.Nifti1Image(array.transpose(2, 1, 0), LPS_TO_RAS @ affine).header
    for set_form in (header.set_sform, header.set_qform):
        set_form(LPS_TO_RAS @ affine, code="scanner")
    header.set_xyzt_units("mm")
    header["vox_offset"], header["magic"] = header.single_vox_offset, header.single_magic
    voxels = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))  # columns run fastest, as in NIfTI
    before = header.binaryblock.ljust(header.single_vox_offset, b"\0")
    content: tuple[bytes | memoryview, ...] = (before, voxels.data.cast("B"))
    if compressed:
        content = (igzip.compress(b"".join(content), mtime=0),)
    digest = later(_sha256, content)
    with path.open("wb") as file:
        file.writelines(content)
    return digest.result()


def _sha256(content: Iterable[bytes | memoryview]) -> str:
    digest = hashlib.sha256()
    for part in content:
        digest.update(part)
    return digest.hexdigest()


def _patient_affine(series: Series) -> Array:
    planes = [found for found in series.planes if found]
    if len(planes) != len(series.files):
        raise DicomError("every slice must have a place, got one without; let the gate judge the series first")
    return stack_affine(planes)


def _detector_affine(series: Series) -> Array:
    spacing = detector_spacing_mm(series.first)
    if len(series.files) != 1 or not spacing or min(spacing) <= 0:
        raise DicomError("radiograph must be one image with a pixel spacing, got another; let the gate judge it first")
    return np.diag([spacing[1], spacing[0], 1.0, 1.0])


def _pixels(series: Series) -> NDArray[np.float32]:
    """Voxels [slice, row, column] after Modality LUT."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote file names
    try:
        check_frames(series)
        if any(frame is not None for frame in series.frames):
            return _frames(series)
        if any(is_coloured(header) for header, _ in series.kinds("PhotometricInterpretation", "SamplesPerPixel")):
            return np.stack([_grey(file) for file in series.files])
        return _slices(series)
    except UNREADABLE as error:  # its message may quote file names
        raise DicomError("pixels must be readable and of one size, got a file that is not; send it again") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def _slices(series: Series) -> NDArray[np.float32]:
    """Slices one after the other: native pixels from the bytes of the file, all others through SimpleITK."""
    rows, columns = (int(number(series.first, name) or 0) for name in ("Rows", "Columns"))
    voxels = np.empty((len(series.files), rows, columns), np.float32)
    for slice_, file, layout in zip(voxels, series.files, layouts_of(series.headers), strict=True):
        pixels = read_native(file, layout) if layout else None
        pixels = _decoded(file) if pixels is None else pixels
        if pixels.shape != slice_.shape:
            raise DicomError("pixels must have the size that their header tells, got another; send the file again")
        slice_[...] = pixels
    return voxels


def _decoded(file: Path) -> NDArray[np.float32]:
    image = sitk.ReadImage(str(file), sitk.sitkFloat32, imageIO="GDCMImageIO")
    pixels = np.asarray(sitk.GetArrayFromImage(image), dtype=np.float32)
    return pixels[0] if pixels.ndim == 3 else pixels  # a slice of one frame


def _grey(file: Path) -> NDArray[np.float32]:
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(file), imageIO="GDCMImageIO")).squeeze(axis=0)
    if image.ndim != 3 or not (image == image[..., :1]).all():
        raise ColourError("colour image must have equal channels, got different ones; send the original series")
    return np.asarray(image[..., 0], dtype=np.float32)


def _frames(series: Series) -> NDArray[np.float32]:
    """Frames of multi-frame files, decoded by pydicom one after the other, each with its own rescale (C.7.6.16.2.9).

    SimpleITK takes the order of frames for their place and the rescale of one frame for all.
    """
    places: dict[Path, list[int]] = {}
    for place in sorted(range(len(series.files)), key=lambda place: series.frames[place] or 0):
        places.setdefault(series.files[place], []).append(place)
    rows, columns = (int(number(series.first, name) or 0) for name in ("Rows", "Columns"))
    voxels = np.empty((len(series.files), rows, columns), np.float32)
    for file, of_file in places.items():
        indices = [frame for place in of_file if (frame := series.frames[place]) is not None]
        for place, pixels in zip(of_file, iter_pixels(file, indices=indices), strict=True):
            slope, intercept = (number(series.headers[place], name) for name in ("RescaleSlope", "RescaleIntercept"))
            voxels[place] = pixels * (1.0 if slope is None else slope) + (intercept or 0.0)
    return voxels
