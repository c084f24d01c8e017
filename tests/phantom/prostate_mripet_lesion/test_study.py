"""Studies as files: the gate finds the roles, dciodvfy no error, the rules of SUV the uptake that was drawn."""

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import dcmread
from samples.judges import dciodvfy

from fedbundle.dicom.gate.roles import choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.quantities.suv import suv_scale
from fedbundle.dicom.series import Series, scan
from fedbundle.phantom.prostate_mripet_lesion import PROFILES, study_uid, write_patient
from fedbundle.phantom.prostate_mripet_lesion.case import invent_case
from fedbundle.phantom.prostate_mripet_lesion.study import write_study

SEED = 7
HIGH_B = {"site-a": 1000, "site-b": 1400, "site-c": 800, "site-d": 1400, "site-e": 1500}


@pytest.fixture(scope="module")
def rules(repository: Path) -> dict[str, Any]:
    """What the bundle wants."""
    return checked_rules(json.loads((repository / "bundles/prostate_mripet_lesion/configs/ingest.json").read_text()))


def patients(root: Path) -> list[Path]:
    """Folders of the patients."""
    return sorted((root / "dicom").iterdir())


def digests(folder: Path) -> dict[str, str]:
    """By name in the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_gate_finds_each_role(lesions: dict[str, Path], rules: dict[str, Any]) -> None:
    for profile, root in lesions.items():
        for index, folder in enumerate(patients(root), 1):
            chosen = choose(scan(folder), rules).require()
            with_pet = invent_case(profile, SEED, index).tracer is not None
            assert set(chosen) == {"t2", "adc", "hbv"} | ({"pet"} if with_pet else set())
            assert chosen["hbv"].b_values[0] == HIGH_B[profile]
            assert dcmread(chosen["adc"].files[0]).ImageType[-1] in ("ADC", "UNSPECIFIED", "DIS2D")
            assert {series.first.StudyInstanceUID for series in chosen.values()} == {study_uid(profile, SEED, index)}
            assert len({str(series.first.FrameOfReferenceUID) for series in chosen.values()}) == 1


def test_truth_holds_cancer_exactly_where_it_was_drawn(lesions: dict[str, Path]) -> None:
    drawn, seen = [], []
    for profile, root in lesions.items():
        for index, mask in enumerate(sorted((root / "truth").iterdir()), 1):
            drawn.append(bool(invent_case(profile, SEED, index).cancers))
            seen.append(bool(sitk.GetArrayFromImage(sitk.ReadImage(str(mask))).any()))
    assert drawn == seen
    assert set(seen) == {True, False}


def test_patients_without_pet_have_no_pt_series(lesions: dict[str, Path]) -> None:
    found = {
        profile: [any(series.first.Modality == "PT" for series in scan(folder)) for folder in patients(root)]
        for profile, root in lesions.items()
    }
    assert found["site-a"] == found["site-d"] == [True]
    assert found["site-b"] == found["site-c"] == [False]
    assert sorted(found["site-e"]) == [False, True]


def test_dciodvfy_finds_no_error(lesions: dict[str, Path]) -> None:
    for root in lesions.values():
        for folder in patients(root)[-1].iterdir():
            complaints = dciodvfy(next(folder.glob("*.dcm")))
            assert not [line for line in complaints if line.startswith("Error")]


def test_same_seed_same_bytes(lesions: dict[str, Path], tmp_path: Path) -> None:
    write_patient(tmp_path / "again", tmp_path / "again.nii.gz", "site-e", SEED, 1)
    assert digests(tmp_path / "again") == digests(patients(lesions["site-e"])[0])
    truth = lesions["site-e"] / "truth" / "patient_0001.nii.gz"
    assert (tmp_path / "again.nii.gz").read_bytes() == truth.read_bytes()


def test_suv_of_a_large_cancer_is_the_one_that_was_drawn(tmp_path: Path, rules: dict[str, Any]) -> None:
    """From the bytes, by the rules of ingest; the loss at its border is what a 5.5 mm point spread leaves."""
    site = PROFILES["site-a"]
    population = replace(
        site.population, prevalence=1.0, second=0.0, diameter_mm=26.0, diameter_spread=0.02, psma_negative=0.0
    )
    assert site.pet
    quiet = replace(site.pet, scan=replace(site.pet.scan, noise=0.0))
    site = replace(site, population=population, pet=quiet, motion_mm=0.0)
    write_study(tmp_path / "dicom", tmp_path / "truth.nii.gz", site, "site-a", 1, 1)
    drawn = invent_case("site-a", 1, 1, site).cancers[0].uptake
    image = suv_image(choose(scan(tmp_path / "dicom"), rules).require()["pet"])
    mask = sitk.ReadImage(str(tmp_path / "truth.nii.gz"))
    seen = sitk.GetArrayFromImage(sitk.Resample(image, mask, sitk.Transform(), sitk.sitkLinear, 0.0))
    inside = sitk.GetArrayFromImage(mask) == 1
    assert set(np.unique(sitk.GetArrayFromImage(mask))) == {0, 1}
    assert inside.sum() > 500
    assert seen[inside].max() == pytest.approx(drawn, rel=0.15)
    assert 0.5 * drawn < np.median(seen[inside]) < drawn


def suv_image(series: Series) -> sitk.Image:
    """SUV by the rules of ingest."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in series.files])
    return sitk.Cast(reader.Execute(), sitk.sitkFloat32) * suv_scale(series).factor


def test_an_adc_map_follows_the_diffusion_it_was_fitted_from(lesions: dict[str, Path]) -> None:
    (folder,) = patients(lesions["site-c"])
    diffusion, adc = (next(folder.glob(f"*{name}*")) for name in ("DWI", "Apparent"))
    slices = [dcmread(path) for path in diffusion.iterdir()]
    slices.sort(key=lambda each: (str(each[0x0043, 0x1039].value[0]), float(each.ImagePositionPatient[2])))
    low, high = np.split(np.stack([each.pixel_array for each in slices]).astype(np.float32) + 1e-3, 2)
    maps = sorted((dcmread(path) for path in adc.iterdir()), key=lambda each: float(each.ImagePositionPatient[2]))
    told = np.stack([each.pixel_array for each in maps])
    clear = (told > 300) & (high > 100)
    assert np.corrcoef(np.log(low / high)[clear] / 750e-6, told[clear])[0, 1] > 0.99


def test_a_patient_takes_little_cpu(tmp_path: Path) -> None:
    start = time.process_time()
    write_patient(tmp_path / "dicom", tmp_path / "truth.nii.gz", "site-a", 1, 1)
    assert time.process_time() - start < 1.2
