"""Speed of a whole patient, and the anatomy that must surround the gland."""

import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from fedbundle.phantom.prostate_mri_zones import PROFILES, write_patient


def test_a_patient_takes_less_than_a_second_of_cpu(tmp_path: Path) -> None:
    spent = []
    for index, profile in enumerate(PROFILES):
        start = time.process_time()
        write_patient(tmp_path / profile, tmp_path / f"{profile}.nii.gz", profile, 1, index)
        spent.append(time.process_time() - start)
    assert min(spent) < 1.0


def test_air_lies_in_front_and_urine_is_brightest(phantoms: dict[str, Path]) -> None:
    for root in phantoms.values():
        folder = sorted((root / "dicom" / "patient_0001").iterdir())[-1]
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        pixels = sitk.GetArrayFromImage(reader.Execute()).astype(float)
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(root / "truth" / "patient_0001.nii.gz")))
        assert pixels[-1].max() > 1.3 * pixels[labels == 2].mean()
        assert np.median(pixels[:, :2]) < np.median(pixels[labels == 1])
