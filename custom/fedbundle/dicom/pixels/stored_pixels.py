"""Stored pixel values of one greyscale image, before any LUT and not inverted, by the decoders of SimpleITK."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileMetaDataset

from fedbundle.dicom.pixels.volume import UNREADABLE
from fedbundle.errors import DicomError
from fedbundle.files import writing

PIXEL_MODULE = """
Rows Columns SamplesPerPixel BitsAllocated BitsStored HighBit PixelRepresentation PixelData ExtendedOffsetTable
ExtendedOffsetTableLengths
"""


def stored_pixels(file: Path, scratch: Path) -> NDArray[np.float32]:
    """Pixels [row, column] as they are stored.

    SimpleITK applies the rescale and inverts MONOCHROME1, and which came first cannot be told from its result. So it is
    given the pixels with nothing that asks for either.

    Args:
        file: the image.
        scratch: folder for a temporary file with its pixels, which whoever owns the folder clears after a kill.

    Raises:
        DicomError: the file cannot be decoded.
        OutputError: there is no room for a temporary file.
    """
    try:
        return _decoded(dcmread(file), scratch)
    except UNREADABLE as error:  # its message may quote file names
        raise DicomError("pixels must be readable, got a file that is not; send it again") from error


def _decoded(image: Dataset, scratch: Path) -> NDArray[np.float32]:
    bare = Dataset()
    for name in PIXEL_MODULE.split():
        if name in image:
            bare[name] = image[name]
    bare.PhotometricInterpretation = "MONOCHROME2"
    bare.SOPClassUID = bare.StudyInstanceUID = bare.SeriesInstanceUID = uid.SecondaryCaptureImageStorage
    bare.SOPInstanceUID = uid.SecondaryCaptureImageStorage
    syntax = image.file_meta.TransferSyntaxUID
    deflated = syntax == uid.DeflatedExplicitVRLittleEndian  # pydicom has inflated it
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian if deflated else syntax
    with ExitStack() as stack:
        with writing(scratch):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pixels-", dir=scratch))
            path = Path(folder, "image.dcm")
            bare.save_as(path, enforce_file_format=True)
        decoded = sitk.ReadImage(str(path), sitk.sitkFloat32, imageIO="GDCMImageIO")
    pixels = np.asarray(sitk.GetArrayFromImage(decoded), dtype=np.float32).squeeze()
    if pixels.shape != (bare.Rows, bare.Columns):
        raise ValueError("decoded pixels are not of the size that the header tells")
    return pixels
