"""Native pixels are read as SimpleITK reads them, and what is unusual is left to it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import Dataset, dcmread, uid
from pydicom.dataelem import DataElement
from pydicom.errors import InvalidDicomError
from samples.dicom_series import Stack, make_slices

from fedbundle.dicom.pixels.native import layouts_of, read_native


def written(image: Dataset, folder: Path) -> Path:
    image.save_as(folder / "image.dcm", enforce_file_format=True)
    return folder / "image.dcm"


def both(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    """Ours and SimpleITK's."""
    (layout,) = layouts_of([dcmread(path, stop_before_pixels=True)])
    ours = read_native(path, layout) if layout else None
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkFloat32, imageIO="GDCMImageIO"))
    return ours, theirs.squeeze()


def implicit(image: Dataset) -> None:
    image.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian


def signed(image: Dataset) -> None:
    image.PixelRepresentation = 1
    image.PixelData = (np.frombuffer(image.PixelData, "<i2") - 300).astype("<i2").tobytes()


def rescaled(image: Dataset) -> None:
    image.RescaleSlope, image.RescaleIntercept = "0.3333", "-12.5"


def overlaid(image: Dataset) -> None:
    """An overlay in the bits above the stored ones, as old scanners have it."""
    image.BitsStored, image.HighBit = 12, 11
    image.PixelData = (np.frombuffer(image.PixelData, "<u2") & 0x0FFF | 0xA000).astype("<u2").tobytes()


def signed_12_bit(image: Dataset) -> None:
    signed(image)
    image.BitsStored, image.HighBit = 12, 11
    image.PixelData = (np.frombuffer(image.PixelData, "<i2") & 0x0FFF).astype("<u2").tobytes()


def padded(image: Dataset) -> None:
    image.add(DataElement(0xFFFCFFFC, "OB", bytes(1000)))


def high_bits(image: Dataset) -> None:
    image.BitsStored, image.HighBit = 12, 15


def table(image: Dataset) -> None:
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [2, 0, 16], "US", bytes([7, 0, 9, 0])
    image.ModalityLUTSequence = [item]


def cut(image: Dataset) -> None:
    image.PixelData = image.PixelData[:-2]


@pytest.mark.parametrize("change", [implicit, signed, rescaled, overlaid, signed_12_bit, lambda _: None])
def test_it_reads_what_simpleitk_reads(change: Callable[[Dataset], None], tmp_path: Path) -> None:
    image = make_slices(Stack())[3]
    change(image)
    ours, theirs = both(written(image, tmp_path))
    assert ours is not None
    assert np.array_equal(ours.astype(np.float32), theirs)


@pytest.mark.parametrize("change", [padded, high_bits, table, cut])
def test_what_is_unusual_is_left_to_others(change: Callable[[Dataset], None], tmp_path: Path) -> None:
    image = make_slices(Stack())[3]
    change(image)
    assert both(written(image, tmp_path))[0] is None


def test_real_files(testdata: Callable[[str], Path]) -> None:
    files = [file for file in sorted(testdata("prostate_mr").rglob("*")) if file.is_file()]
    read = 0
    for file in files[::7]:
        try:
            ours, theirs = both(file)
        except (InvalidDicomError, RuntimeError):  # no DICOM image
            continue
        if ours is not None:
            read += 1
            assert np.array_equal(ours.astype(np.float32), theirs)
    assert read > 10
