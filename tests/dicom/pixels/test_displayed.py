"""A radiograph is read as a screen shows it: the same film stored in many ways gives the same picture."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from samples.codestreams import film_in
from samples.dicom_series import write_slices
from samples.plain_film import make_colour, make_film

from fedbundle.dicom.gate.objects import READABLE
from fedbundle.dicom.pixels.displayed import DisplayError, displayed
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan
from fedbundle.errors import DicomError, OutputError

TOP = 4095  # of 12 bits


def film(pixels: NDArray[np.int64] | None = None, **attributes: Any) -> Dataset:
    """A film of 12 bits without any view; by default every value from 0 to 4095 is in it."""
    pixels = np.arange(4096).reshape(64, 64) if pixels is None else pixels
    image = make_film(rows=pixels.shape[0], columns=pixels.shape[1])
    image.BitsStored, image.HighBit, image.RescaleSlope, image.RescaleIntercept = 12, 11, 1, 0
    image.PixelData = (pixels % 2**16).astype("<u2").tobytes()
    for name, value in attributes.items():
        setattr(image, name, value)
    return image


def table(values: NDArray[np.int64], first: int, bits: int) -> Dataset:
    """Item of a VOI LUT Sequence or Modality LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values) % 2**16, first, bits])
    item.add_new("LUTData", "OW", values.astype("<u2").tobytes())
    item.ModalityLUTType = "US"
    return item


def shown(folder: Path, image: Dataset) -> tuple[NDArray[np.float32], str]:
    """What is displayed, and by which headers."""
    (series,) = scan(write_slices(folder, [image]))
    result = displayed(series, folder)
    assert result.volume.array.dtype == np.float32
    return result.volume.array[0], result.by


CURVE = (np.arange(1024) ** 2 // 1024).astype(np.int64)  # a table of 10 bits
WAYS: dict[str, dict[str, Any]] = {
    "linear": {"WindowCenter": 2000, "WindowWidth": 1500},
    "linear, rescaled": {"WindowCenter": 700, "WindowWidth": 900, "RescaleSlope": 0.5, "RescaleIntercept": -200},
    "linear exact": {"WindowCenter": 2000.5, "WindowWidth": 1500.5, "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": 2000, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
    "step": {"WindowCenter": 2000, "WindowWidth": 1},
    "table": {"VOILUTSequence": [table(CURVE, 1500, 10)]},
    "table before window": {"VOILUTSequence": [table(CURVE, 9, 10)], "WindowCenter": 1, "WindowWidth": 2},
    "full range": {},
    "full range, rescaled": {"RescaleSlope": 2.5, "RescaleIntercept": -1000},
}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("inverse", [False, True])
def test_views_against_pydicom(name: str, inverse: bool, tmp_path: Path) -> None:
    attributes = WAYS[name]
    image = film(PhotometricInterpretation="MONOCHROME1" if inverse else "MONOCHROME2", **attributes)
    got, _ = shown(tmp_path, image)
    rescaled = apply_modality_lut(image.pixel_array, image).astype(np.float64)
    if name.startswith("table"):
        expected = apply_voi_lut(rescaled.astype(np.int64), image, prefer_lut=True) / 1023
    else:
        low, high = image.RescaleIntercept, TOP * image.RescaleSlope + image.RescaleIntercept
        expected = (apply_voi_lut(rescaled, image) - low) / (high - low)
    assert np.abs(got - (1 - expected if inverse else expected)).max() < 1e-6


def test_the_first_of_several_views_is_taken_and_told(tmp_path: Path) -> None:
    one, _ = shown(tmp_path / "1", film(WindowCenter=2000, WindowWidth=1500))
    many, by = shown(tmp_path / "2", film(WindowCenter=[2000, 99], WindowWidth=[1500, 7]))
    assert by == "linear window 1 of 2"
    assert np.array_equal(one, many)
    _, by = shown(tmp_path / "3", film(VOILUTSequence=[table(CURVE, 0, 10)] * 3, WindowCenter=5, WindowWidth=9))
    assert by == "VOI LUT 1 of 3"


def test_a_modality_lut_goes_before_the_window(tmp_path: Path) -> None:
    squared = film(
        ModalityLUTSequence=[table(np.arange(4096) ** 2 // 4096, 0, 12)], WindowCenter=2048, WindowWidth=4096
    )
    del squared.RescaleSlope, squared.RescaleIntercept
    got, by = shown(tmp_path, squared)
    assert by == "Modality LUT, linear window 1 of 1"
    assert np.abs(got.ravel() - (np.arange(4096) ** 2 // 4096) / 4095).max() < 1e-3


def test_signed_pixels_and_tables_that_begin_below_zero(tmp_path: Path) -> None:
    pixels = np.arange(-2048, 2048).reshape(64, 64)
    image = film(pixels % 4096, PixelRepresentation=1, VOILUTSequence=[table(CURVE, (-300) % 2**16, 10)])
    got, _ = shown(tmp_path, image)
    expected = CURVE[np.clip(pixels + 300, 0, 1023)] / 1023
    assert np.abs(got - expected).max() < 1e-6


@pytest.mark.parametrize("syntax", sorted(READABLE))
def test_bone_is_bright_however_the_film_is_stored(syntax: str, tmp_path: Path) -> None:
    film_stored, pixels, error = film_in(syntax)
    film_stored.PhotometricInterpretation, film_stored.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    got, by = shown(tmp_path, film_stored)
    top = 2**film_stored.BitsStored - 1
    assert by == "full range, inverted"
    assert np.abs(got - (1 - pixels / top)).max() <= error / top + 1e-6


@pytest.mark.parametrize("syntax", sorted(READABLE))
def test_a_volume_of_monochrome1_is_inverted_in_every_syntax(syntax: str, tmp_path: Path) -> None:
    film_stored, pixels, error = film_in(syntax)
    film_stored.PhotometricInterpretation = "MONOCHROME1"
    (series,) = scan(write_slices(tmp_path, [film_stored]))
    assert np.abs(Volume.of(series).array[0] - (2.0**film_stored.BitsStored - 1 - pixels)).max() <= error


def test_bits_above_the_stored_ones_are_no_pixels(tmp_path: Path) -> None:
    pixels = np.arange(4096).reshape(64, 64)
    got, _ = shown(tmp_path, film(pixels + 0x5000))
    assert np.abs(got - pixels / TOP).max() < 1e-6


def test_padding_is_black(tmp_path: Path) -> None:
    image = film(PhotometricInterpretation="MONOCHROME1")
    image.add_new("PixelPaddingValue", "US", 0)
    image.add_new("PixelPaddingRangeLimit", "US", 99)
    got, by = shown(tmp_path, image)
    assert by == "full range, inverted, padding black"
    assert not got.ravel()[:100].any()
    assert got.ravel()[100] > 0.97


SHUTTERS: dict[str, tuple[dict[str, Any], Callable[[Any, Any], Any]]] = {
    "RECTANGULAR": (
        {
            "ShutterLeftVerticalEdge": 11,
            "ShutterRightVerticalEdge": 50,
            "ShutterUpperHorizontalEdge": 21,
            "ShutterLowerHorizontalEdge": 60,
        },
        lambda row, column: (row >= 20) & (row < 60) & (column >= 10) & (column < 50),
    ),
    "CIRCULAR": (
        {"CenterOfCircularShutter": [31, 31], "RadiusOfCircularShutter": 20},
        lambda row, column: (row - 30) ** 2 + (column - 30) ** 2 <= 400,
    ),
    "POLYGONAL": (
        {"VerticesOfThePolygonalShutter": [1, 1, 1, 64, 64, 1]},
        lambda row, column: row + column <= 63,
    ),
}


@pytest.mark.parametrize("shape", SHUTTERS)
def test_what_is_shuttered_has_the_value_of_the_shutter(shape: str, tmp_path: Path) -> None:
    attributes, inside = SHUTTERS[shape]
    image = film(np.full((64, 64), 4000), ShutterShape=shape, ShutterPresentationValue=0x3FFF, **attributes)
    got, by = shown(tmp_path, image)
    row, column = np.indices((64, 64))
    assert np.array_equal(got > 0.9, inside(row, column))
    assert got[got < 0.9] == pytest.approx(0x3FFF / 0xFFFF)
    assert by == f"full range, shuttered {shape.lower()}"


def test_two_shutters_leave_open_what_both_leave_open(tmp_path: Path) -> None:
    attributes = SHUTTERS["CIRCULAR"][0] | SHUTTERS["POLYGONAL"][0]
    got, _ = shown(tmp_path, film(np.full((64, 64), 4000), ShutterShape=["CIRCULAR", "POLYGONAL"], **attributes))
    row, column = np.indices((64, 64))
    wanted = SHUTTERS["CIRCULAR"][1](row, column) & SHUTTERS["POLYGONAL"][1](row, column)
    assert np.array_equal(got > 0, wanted)


REFUSED: dict[str, dict[str, Any]] = {
    "for processing": {"PresentationIntentType": "FOR PROCESSING"},
    "contradiction": {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"},
    "width 0": {"WindowCenter": 100, "WindowWidth": 0},
    "two centers, one width": {"WindowCenter": [100, 200], "WindowWidth": 50},
    "unknown function": {"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "CUBIC"},
    "values above the bits": {"VOILUTSequence": [table(np.arange(4096), 0, 10)]},
    "short table": {"VOILUTSequence": [Dataset()]},
    "window beside all pixels": {"WindowCenter": 90000, "WindowWidth": 10},
    "rescale slope 0": {"RescaleSlope": 0},
    "unknown shutter": {"ShutterShape": "BITMAP"},
    "shutter without edges": {"ShutterShape": "RECTANGULAR"},
    "closed shutter": {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [999, 999], "RadiusOfCircularShutter": 3},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_tell_how_it_is_shown_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DisplayError, match="radiograph must tell how it is shown"):
        shown(tmp_path, film(**REFUSED[name]))


def test_equal_channels_are_shown_as_they_are(tmp_path: Path) -> None:
    image = make_colour(make_film())
    got, by = shown(tmp_path, image)
    assert by == "equal colour channels"
    assert np.array_equal(np.rint(got.ravel() * 255), np.frombuffer(image.PixelData, np.uint8)[::3])


def test_other_modalities_are_not_displayed(tmp_path: Path) -> None:
    image = film()
    image.Modality = "MR"
    (series,) = scan(write_slices(tmp_path, [image]))
    with pytest.raises(DicomError):
        displayed(series, tmp_path)


def test_without_room_for_temporary_files_the_film_is_not_to_blame(tmp_path: Path) -> None:
    (series,) = scan(write_slices(tmp_path, [film()]))
    with pytest.raises(OutputError, match=r"got No such file or directory for .*gone"):
        displayed(series, tmp_path / "gone")


def judged(path: Path, folder: Path, *options: str) -> NDArray[np.float64]:
    """8-bit picture by dcmtk."""
    program = shutil.which("dcmj2pnm")
    if program is None:
        pytest.skip("dcmj2pnm (Debian package dcmtk) is not installed")
    subprocess.run([program, "+op", *options, str(path), str(folder / "p.pgm")], check=True, capture_output=True)
    return np.asarray(Image.open(folder / "p.pgm").convert("L"), np.float64) / 255


@pytest.mark.parametrize("name", ["hip_xray/monochrome1_cr/RG3_J2KI.dcm", "dicom_edge/highdicom/dx_image.dcm"])
def test_real_films_against_dcmtk(name: str, testdata: Callable[[str], Path], tmp_path: Path) -> None:
    file = testdata(name)
    image = dcmread(file)
    if image.file_meta.TransferSyntaxUID.is_compressed:  # Debian's dcmtk decodes no JPEG 2000
        image.decompress()
    else:
        image.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    image.PixelSpacing = [0.15, 0.15]
    path = write_slices(tmp_path / "film", [image]) / "000"
    got, _ = shown(tmp_path / "film", image)
    expected = judged(path, tmp_path, "+Wi", "1")
    assert np.abs(got - expected).max() < 0.01
