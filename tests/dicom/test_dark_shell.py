"""A skull is seen where there is one, on phantoms of all sites and on real heads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

from fedbundle.dicom.contract import breaches
from fedbundle.dicom.dark_shell import SKULL_FROM, dark_shell
from fedbundle.phantom.brain_mri_anomaly import PROFILES, write_patient

STRIPPED = {"modality": "MR", "contract": {"skull": "absent"}}
WHOLE = {"modality": "MR", "contract": {"skull": "present"}}


def share(image: sitk.Image) -> float:
    found = dark_shell(sitk.GetArrayFromImage(image), image.GetSpacing())
    assert found is not None
    return found


def series(folder: Path) -> sitk.Image:
    return sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))


@pytest.mark.parametrize("profile", PROFILES)
def test_phantoms_stand_far_from_the_limit(tmp_path: Path, profile: str) -> None:
    for index in (1, 5):
        write_patient(tmp_path / str(index), tmp_path / "mask.nii.gz", profile, 11, index)
        image = series(sorted((tmp_path / str(index)).iterdir())[-1])
        found = share(image)
        assert found > 2 * SKULL_FROM if PROFILES[profile].stripped is False else found < SKULL_FROM / 2
        codes = [
            [breach.code for breach in breaches(sitk.GetArrayFromImage(image), image.GetSpacing(), role)]
            for role in (STRIPPED, WHOLE)
        ]
        assert codes == ([[], ["SKULL_ABSENT"]] if PROFILES[profile].stripped else [["SKULL_PRESENT"], []])


def test_real_heads_behave(testdata: Callable[[str], Path]) -> None:
    for path in testdata("brain_mr/MS_lesjak/MNI/patient07").glob("*_brain_*.nii.gz"):
        assert share(sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")) < 0.02
    assert share(series(testdata("brain_mr/ReMIND-022/3DAXT1postcontrast_MRI"))) > 0.3


def test_where_no_head_is_seen_nothing_is_admitted() -> None:
    empty = np.zeros((5, 32, 32), np.float32)
    assert dark_shell(empty, (2, 2, 5)) is None
    for role, code in ((STRIPPED, "SKULL_PRESENT"), (WHOLE, "SKULL_ABSENT")):
        (breach,) = breaches(empty, (2, 2, 5), role)
        assert (breach.code, breach.detail.split(",")[0]) == (code, "no head can be seen")
