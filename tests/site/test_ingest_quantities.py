"""Ingest writes SUV and ADC, and brings a PET of another frame of reference onto the voxels of the T2."""

import json
from pathlib import Path

import numpy as np
import pytest
from samples.anatomy import rigid, values
from samples.pet_series import FACTOR
from samples.quantity_site import QuantitySite

from fedbundle.dicom.pixels.volume import Volume

STILL = rigid((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
MOVED = rigid((6.0, -8.0, 7.0), (2.0, -3.0, 4.0))
OTHER_FRAME = 300
LESION = (-8, 14, -10)  # LPS mm, where `anatomy` puts it


def uptake_error(pet: Volume) -> float:
    """Median difference from the true SUV at the voxels of the patient."""
    k, j, i = np.indices(pet.array.shape)
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ pet.affine.T
    truth = values("pet", places[..., :3])
    return float(np.median(np.abs(pet.array - truth)[truth > 1.5]))


def at(volume: Volume, place: tuple[float, float, float]) -> float:
    i, j, k = np.rint(np.linalg.solve(volume.affine, np.array([*place, 1.0]))[:3]).astype(int)
    return float(volume.array[k, j, i])


@pytest.mark.parametrize(("motion", "frame"), [(STILL, None), (MOVED, OTHER_FRAME)])
def test_a_pet_becomes_suv_on_the_voxels_of_the_t2(
    motion: np.ndarray, frame: int | None, tmp_path: Path, repository: Path
) -> None:
    site = QuantitySite(tmp_path, repository, ("pet",))
    site.t2()
    site.pet(motion, frame)
    assert site.ingest().refused == {}
    t2, pet = site.image("t2_transverse"), site.image("pet")
    assert pet.array.shape == t2.array.shape
    assert np.array_equal(pet.affine, t2.affine)
    assert uptake_error(pet) < 0.35
    assert at(pet, LESION) == pytest.approx(12.0, abs=3.0)  # PET voxels are as large as a third of the lesion
    line = site.lines()[50]
    assert line["quantity"] == {
        "name": "SUVbw",
        "units": "g/ml",
        "factor": pytest.approx(FACTOR),
        "by": "Decay Correction START, series time",
    }
    assert line["headers"]["units"] == "g/ml"
    assert line["grid"]["of"] == "t2_transverse"
    assert (line["grid"]["padding"], line["grid"]["covered"]) == (0.0, 1.0)
    assert line["grid"]["frame_of_reference"] == ("registered" if frame else "same")
    if frame:
        found = line["grid"]["registration"]
        assert found["translation_mm"] == pytest.approx(np.linalg.norm(MOVED[:3, 3]), abs=1.5)
        assert found["inverse_error_mm"] < 5.0
    else:
        assert "registration" not in line["grid"]


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes_and_is_not_done_twice(tmp_path: Path, repository: Path) -> None:
    made = []
    for name in ("1", "2"):
        site = QuantitySite(tmp_path / name, repository, ("pet",))
        site.t2()
        site.pet(MOVED, OTHER_FRAME)
        site.ingest()
        (pet,) = (site.dataset / "images").glob("*_pet.nii.gz")
        made.append((pet.read_bytes(), site.lines()[50]["grid"]))
    assert made[0] == made[1]
    assert site.ingest().data()["studies"]["unchanged"] == 1


def test_without_registration_the_uptake_would_be_elsewhere(tmp_path: Path, repository: Path) -> None:
    site = QuantitySite(tmp_path, repository, ("pet",))
    site.t2()
    site.pet(MOVED, None)  # the frame of reference is said to be that of the T2
    site.ingest()
    assert uptake_error(site.image("pet")) > 0.35


def test_a_study_whose_pet_has_no_weight_is_refused_for_that(tmp_path: Path, repository: Path) -> None:
    site = QuantitySite(tmp_path, repository, ("pet",))
    site.t2()
    site.pet(STILL, None, PatientWeight=0)
    assert site.ingest().refused == {"NO_SUV": 1}
    line = site.lines()[50]
    assert (line["decision"], line["code"], line["detail"]) == ("refused", "NO_SUV", "Patient's Weight is zero")
    assert not list((site.dataset / "images").glob("*"))


@pytest.mark.parametrize(
    ("frame", "code", "detail"),
    [
        (OTHER_FRAME, "REGISTRATION_FAILED", "volumes that do not overlap"),
        (None, "NO_OVERLAP", "covers 0% of the grid, wanted at least 25%"),
    ],
)
def test_a_pet_of_another_part_of_the_body_is_refused(
    frame: int | None, code: str, detail: str, tmp_path: Path, repository: Path
) -> None:
    site = QuantitySite(tmp_path, repository, ("pet",))
    site.t2()
    for image in site.pet(STILL, frame):
        position = [float(mm) for mm in image.ImagePositionPatient]
        image.ImagePositionPatient = [*position[:2], position[2] + 400]
        image.save_as(tmp_path / "dicom" / "2" / f"{image.InstanceNumber - 1:03d}", enforce_file_format=True)
    assert site.ingest().refused == {code: 1}
    assert detail in site.lines()[50]["detail"]


@pytest.mark.parametrize(("slope", "by", "factor"), [(1.0, "the range of soft tissue", 1.0), (1e-6, None, 1e6)])
def test_an_adc_map_is_written_in_millionths(
    slope: float, by: str | None, factor: float, tmp_path: Path, repository: Path
) -> None:
    site = QuantitySite(tmp_path, repository, ("adc",))
    site.t2()
    site.adc(slope)
    assert site.ingest().refused == {}
    adc = site.image("adc")
    assert adc.array.shape == site.image("t2_transverse").array.shape
    assert at(adc, (0, 0, 0)) == pytest.approx(1200, rel=1e-5)
    assert adc.array[0, 0, 0] == 0  # outside of the map, which is smaller than the T2
    lines = [json.loads(line) for line in (site.dataset / "ingest.jsonl").read_text().splitlines()]
    (line,) = (line for line in lines if line["role"] == "adc")
    assert (line["quantity"]["units"], line["quantity"]["factor"]) == ("10*-6.mm2/s", factor)
    assert 0.5 < line["grid"]["covered"] < 1.0
    assert by is None or line["quantity"]["by"] == by


def test_an_adc_map_of_an_unknown_unit_is_refused(tmp_path: Path, repository: Path) -> None:
    site = QuantitySite(tmp_path, repository, ("adc",))
    site.t2()
    site.adc(0.1)
    assert site.ingest().refused == {"NO_ADC_UNIT": 1}
