"""Radiographs as DICOM: one truth reads the same however it is stored, and an independent judge finds no error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from samples.judges import dciodvfy

from fedbundle.dicom.gate.rules import detector_spacing_mm
from fedbundle.dicom.pixels.displayed import displayed
from fedbundle.dicom.pixels.radiograph import told_of
from fedbundle.dicom.series import scan
from fedbundle.phantom.dicom_study import Exam, Person
from fedbundle.phantom.dx_dicom import NO_VOI, SIGMOID, TABLE, WINDOW, Display, Unit, View, write_view
from fedbundle.phantom.hip_radiograph_fracture import PROFILES

PERSON = Person("PHANTOM^Kari^1", "PHANTOM-FORMER^Kari^1", "1", "19500102", 70, 1.7, 70.0, "F")
EXAM = Exam(PERSON, "test", "20200304", 36000, "1234567890", "hip", "HIP")
VIEW = View(3, 60, "hip", "HIP", "AP", "R", 1.1, 1.25)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """P-Values from black to white, smooth, [row, column]."""
    x, y = np.meshgrid(np.linspace(-1, 1, 70), np.linspace(-1, 1, 90))
    wave = 0.5 + 0.35 * np.sin(3 * x + y) + 0.14 * np.cos(9 * x * y)
    return np.clip(wave, 0, 1).astype(np.float32)


def read(folder: Path) -> np.ndarray:
    """What fedbundle shows of the only radiograph in a folder."""
    (series,) = scan(folder)
    return displayed(series, folder).volume.array[0]


@pytest.mark.parametrize("modality", ["DX", "CR"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("voi", [WINDOW, SIGMOID, TABLE, NO_VOI])
def test_one_truth_reads_the_same_however_it_is_stored(
    tmp_path: Path, truth: np.ndarray, modality: str, photometric: str, voi: str
) -> None:
    unit = replace(PROFILES["site-a"].unit, modality=modality, display=Display(photometric, 12, voi))
    write_view(tmp_path / "one", EXAM, unit, VIEW, truth)
    assert np.abs(read(tmp_path / "one") - truth).max() < 0.006
    stored = dcmread(tmp_path / "one" / "0001.dcm").pixel_array
    assert np.corrcoef(stored.ravel(), truth.ravel())[0, 1] * (1 if photometric == "MONOCHROME2" else -1) > 0.9


@pytest.mark.parametrize("bits", [8, 10, 14, 16])
def test_bits_are_kept(tmp_path: Path, truth: np.ndarray, bits: int) -> None:
    unit = replace(PROFILES["site-a"].unit, display=Display("MONOCHROME1", bits, TABLE if bits < 16 else WINDOW))
    write_view(tmp_path / "one", EXAM, unit, VIEW, truth)
    assert np.abs(read(tmp_path / "one") - truth).max() < 0.02
    assert dcmread(tmp_path / "one" / "0001.dcm").pixel_array.max() < 2**bits


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("shown", [("HIP", "AP", "L"), ("PELVIS", "AP", "B"), ("HIP", "LL", "R"), ("CHEST", "AP", "U")])
def test_dciodvfy_finds_no_error(tmp_path: Path, truth: np.ndarray, profile: str, shown: tuple[str, str, str]) -> None:
    view = replace(VIEW, body_part=shown[0], position=shown[1], laterality=shown[2], shutter=(4, 60, 5, 80))
    write_view(tmp_path / "one", EXAM, PROFILES[profile].unit, view, truth)
    complaints = dciodvfy(tmp_path / "one" / "0001.dcm")
    assert not [line for line in complaints if line.startswith("Error")]


def test_scale_side_and_view_are_told(tmp_path: Path, truth: np.ndarray) -> None:
    unit: Unit = replace(PROFILES["site-a"].unit, calibrated=True)
    for name, each in (("own", unit), ("detector", replace(unit, calibrated=False))):
        write_view(tmp_path / name, EXAM, each, VIEW, truth)
    own, detector = (dcmread(tmp_path / name / "0001.dcm") for name in ("own", "detector"))
    assert detector_spacing_mm(own) == pytest.approx((1.1 / 1.25, 1.1 / 1.25))
    assert detector_spacing_mm(detector) == (1.1, 1.1)
    told = told_of(own)
    assert (told["laterality"], told["view"]) == ("right", "AP")
    assert told["pixel_spacing_of"] == "calibrated by geometry"
    assert told_of(detector)["pixel_spacing_of"] == "detector"


def test_a_shutter_hides_what_lies_outside_of_it(tmp_path: Path, truth: np.ndarray) -> None:
    write_view(tmp_path / "one", EXAM, PROFILES["site-d"].unit, replace(VIEW, shutter=(10, 50, 20, 70)), truth)
    shown = read(tmp_path / "one")
    assert not shown[:20].any() and not shown[71:].any() and not shown[:, :10].any() and not shown[:, 51:].any()
    np.testing.assert_allclose(shown[20:71, 10:51], truth[20:71, 10:51], atol=0.006)
