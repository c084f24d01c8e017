"""Radiographs of different detectors become one kind of picture, and what cannot be shown is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from samples.dicom_series import write_slices
from samples.dicom_studies import write_bundle
from samples.plain_film import make_film
from samples.roles import role

from fedbundle.dicom.sources.folder import Folder
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

CHILDREN = """[roles.prostate_mri_zones.image]
age_years = { min = 0, unknown = "accept" }
placeholder_spacing = "accept"
"""


class Hospital:
    """A site with a bundle that wants one AP radiograph of the pelvis."""

    def __init__(self, folder: Path, repository: Path, site: str = "") -> None:
        home = SiteHome.create(folder / "site", "hospital-a")
        with (home.path / "site.toml").open("a") as file:
            file.write(site)
        self.home = SiteHome.open(home.path)
        self.bundle = write_bundle(folder / "bundles", repository)
        rules = json.loads((self.bundle / "configs" / "ingest.json").read_text())
        rules = {"inputs": {"image": role("ap_pelvis")}, "splits": rules["splits"]}
        (self.bundle / "configs" / "ingest.json").write_text(json.dumps(rules))
        self.dataset = self.home.dataset_dir("prostate_mri_zones")

    def ingest(self, dicom: Path) -> list[dict[str, Any]]:
        """Lines of ingest.jsonl."""
        ingest(self.home, str(self.bundle), Folder(dicom), max_refused="100%")
        return [json.loads(line) for line in (self.dataset / "ingest.jsonl").read_text().splitlines()]

    def picture(self, line: dict[str, Any]) -> Any:
        """Voxels of a case."""
        return sitk.GetArrayFromImage(sitk.ReadImage(str(self.dataset / line["files"]["image"]["path"])))


def film(study: int, **attributes: Any) -> Dataset:
    """A film of a study of its own."""
    image = make_film()
    image.StudyInstanceUID, image.SeriesInstanceUID = f"1.2.3.{study}", f"1.2.3.{study}.1"
    image.SOPInstanceUID, image.PatientID = f"1.2.3.{study}.1.1", f"PAT-{study:06d}"
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    for name, value in attributes.items():
        setattr(image, name, value)
    return image


def test_one_leg_from_two_detectors_is_one_picture(tmp_path: Path, repository: Path) -> None:
    bright = film(1, WindowCenter=2875, WindowWidth=101)
    dark = film(2, PhotometricInterpretation="MONOCHROME1", WindowCenter=65536 - 2875, WindowWidth=101)
    dark.PixelData = (65535 - np.frombuffer(bright.PixelData, "<u2")).astype("<u2").tobytes()
    hospital = Hospital(tmp_path, repository)
    lines = hospital.ingest(write_slices(tmp_path / "dicom", [bright, dark]))
    assert [line["code"] for line in lines] == ["USED", "USED"]
    one, other = (hospital.picture(line) for line in lines)
    assert one.dtype == np.float32
    assert (float(one.min()), float(one.max())) == (0, 1)
    assert np.abs(one - other).max() < 0.02  # half a grey value of a window of 101


def test_a_film_that_does_not_tell_how_it_is_shown_is_refused(tmp_path: Path, repository: Path) -> None:
    (line,) = Hospital(tmp_path, repository).ingest(
        write_slices(tmp_path / "dicom", [film(1, PresentationIntentType="FOR PROCESSING")])
    )
    assert (line["code"], line["detail"]) == (
        "NO_DISPLAY",
        "an image that is stored for processing, not for presentation",
    )


def test_a_film_whose_codestream_is_cut_off_is_refused(tmp_path: Path, repository: Path) -> None:
    folder = write_slices(tmp_path / "dicom", [film(1)])
    (file,) = folder.iterdir()
    image = dcmread(file)
    image.compress(uid.RLELossless)
    image.PixelData = encapsulate([next(generate_frames(image.PixelData, number_of_frames=1))[:-30]])
    image.save_as(file)
    (line,) = Hospital(tmp_path, repository).ingest(folder)
    assert (line["code"], line["detail"]) == ("UNREADABLE_PIXELS", "a slice cannot be decoded")


@pytest.mark.parametrize("site", ["", CHILDREN])
def test_real_films_of_children(site: str, testdata: Callable[[str], Path], tmp_path: Path, repository: Path) -> None:
    hospital = Hospital(tmp_path, repository, site)
    lines = hospital.ingest(testdata("hip_xray/ddh_dicom"))
    assert len(lines) == 10
    if not site:
        assert {line["code"] for line in lines} == {"AGE_OUT_OF_RANGE"}
        assert all("also PLACEHOLDER_SPACING" in line["detail"] for line in lines)
        return
    assert {line["code"] for line in lines} == {"USED"}
    for line in lines:
        picture = hospital.picture(line)
        assert picture.shape == (1, 331, 331)
        assert 0 <= picture.min() < picture.max() <= 1
        assert np.ptp(picture) > 0.3


def test_a_real_extremity_is_refused_by_its_body_part(
    testdata: Callable[[str], Path], tmp_path: Path, repository: Path
) -> None:
    lines = Hospital(tmp_path, repository, CHILDREN).ingest(testdata("hip_xray/monochrome1_cr"))
    assert {line["code"] for line in lines} <= {"WRONG_BODY_PART", "NO_SERIES_FOR_ROLE"}
    assert not list((tmp_path / "site").rglob("*.nii.gz"))
