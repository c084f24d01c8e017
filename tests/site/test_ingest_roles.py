"""Ingest takes volumes out of series and files, and applies what the site says of a role."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import dcmread
from samples.dicom_series import NAME, Stack, make_slices, set_value, write_slices
from samples.dicom_studies import write_bundle
from samples.multi_frame import BRIGHTER, multi_frame, volumes

from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import SiteError
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

ROLES = {
    "t2": {"modality": "MR", "diffusion": False, "age_years": {"min": 70}},
    "low_b": {"modality": "MR", "b_value": {"max": 60}},
    "high_b": {"modality": "MR", "b_value": {"min": 700}},
}
SITE = "[roles.prostate_mri_zones.t2]\nage_years = { min = 60 }\n"


class Hospital:
    """One study with a T2 and a DWI of two b-values, and a bundle that wants three volumes of it."""

    def __init__(self, folder: Path, repository: Path, enhanced: bool) -> None:
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        rules = json.loads((self.bundle / "configs" / "ingest.json").read_text())
        rules = {"inputs": ROLES, "splits": rules["splits"]}
        (self.bundle / "configs" / "ingest.json").write_text(json.dumps(rules))
        self.dicom = folder / "dicom"
        diffusion = volumes(
            make_slices(Stack(number=2)), 2, lambda image, k: set_value(image, "DiffusionBValue", 50.0 + 750 * k)
        )
        write_slices(self.dicom / "1", make_slices(Stack(number=1)))
        write_slices(self.dicom / "2", [multi_frame(diffusion)] if enhanced else diffusion)
        self.dataset = self.home.dataset_dir("prostate_mri_zones")

    def ingest(self, site: str = SITE, keep_dicom: bool = False) -> list[dict[str, Any]]:
        """Ingest with this in site.toml; lines of ingest.jsonl."""
        (self.home.path / "site.toml").write_text(f'name = "hospital-a"\n{site}')
        ingest(SiteHome.open(self.home.path), str(self.bundle), Folder(self.dicom), None, None, "1", keep_dicom)
        return [json.loads(line) for line in (self.dataset / "ingest.jsonl").read_text().splitlines()]

    def arrays(self) -> dict[str, Any]:
        """Voxels by role."""
        return {
            path.name[17:].removesuffix(".nii.gz"): sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            for path in (self.dataset / "images").iterdir()
        }


@pytest.mark.parametrize("enhanced", [False, True])
def test_two_volumes_of_one_series_become_two_images(enhanced: bool, tmp_path: Path, repository: Path) -> None:
    hospital = Hospital(tmp_path, repository, enhanced)
    lines = hospital.ingest()
    assert sorted((line["role"], line["decision"], line["headers"]["slices"]) for line in lines) == [
        ("high_b", "used", 12),
        ("low_b", "used", 12),
        ("t2", "used", 12),
    ]
    arrays = hospital.arrays()
    assert np.array_equal(arrays["low_b"], arrays["t2"])
    assert np.array_equal(arrays["high_b"], arrays["t2"] + BRIGHTER)
    before = (hospital.dataset / "ingest.jsonl").read_bytes()
    assert hospital.ingest() == lines
    assert (hospital.dataset / "ingest.jsonl").read_bytes() == before


def test_a_multi_frame_file_is_kept_once_and_without_a_name(tmp_path: Path, repository: Path) -> None:
    hospital = Hospital(tmp_path, repository, enhanced=True)
    hospital.ingest(keep_dicom=True)
    kept = sorted(path.relative_to(hospital.dataset).parts[-2:] for path in hospital.dataset.rglob("*.dcm"))
    assert kept[:2] == [("high_b", "0001.dcm"), ("low_b", "0001.dcm")]
    image = dcmread(next(hospital.dataset.rglob("high_b/*.dcm")))
    assert (image.NumberOfFrames, image.PatientIdentityRemoved) == (24, "YES")
    assert NAME.split("^")[0] not in str(image)


def test_what_the_site_lifts_is_told_and_taken_back(tmp_path: Path, repository: Path) -> None:
    hospital = Hospital(tmp_path, repository, enhanced=False)
    told = {line["role"]: line["detail"].endswith("; by the site's rule") for line in hospital.ingest()}
    assert told == {"t2": True, "low_b": False, "high_b": False}
    lines = hospital.ingest(site="")
    assert {line["code"] for line in lines} == {"AGE_OUT_OF_RANGE", "NO_SERIES_FOR_ROLE"}
    assert not any((hospital.dataset / "images").iterdir())


def test_a_role_that_the_bundle_does_not_have_is_named(tmp_path: Path, repository: Path) -> None:
    hospital = Hospital(tmp_path, repository, enhanced=False)
    with pytest.raises(SiteError, match=r"must name roles of the bundle .* got 't1'"):
        hospital.ingest(site='[roles.prostate_mri_zones.t1]\nprefer = ["t1"]\n')
