"""Speed of a whole patient, and the anatomy that must surround the gland."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.male_pelvis.patient import invent
from fedbundle.phantom.male_pelvis.tissues import signals
from fedbundle.phantom.prostate_mri_zones import PROFILES, write_patient
from fedbundle.phantom.prostate_mri_zones.study import render
from fedbundle.phantom.texture import Texture


def test_a_patient_takes_less_than_a_second_of_cpu(tmp_path: Path) -> None:
    spent = []
    for index, profile in enumerate(PROFILES):
        start = time.process_time()
        write_patient(tmp_path / profile, tmp_path / f"{profile}.nii.gz", profile, 1, index)
        spent.append(time.process_time() - start)
    assert min(spent) < 1.0


def test_air_lies_in_front_muscle_is_dark_and_urine_bright() -> None:
    site = PROFILES["site-a"]
    tissue = signals(site.acquisition)
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = (-127, -127, -50)
    for seed in range(5):
        random = np.random.default_rng(seed)
        man = replace(invent(random), pose=np.eye(4))
        texture = Texture(random)
        image, labels = render(Grid((40, 128, 128), affine, 4.0), man, site.acquisition, texture, random, 1)
        assert np.all(image[:, :3] == 0)
        assert image[20:].max() == pytest.approx(tissue["urine"], rel=0.05)
        left = image[12, 64, 64 + 20 : 64 + 35]
        assert left.min() < 1.5 * tissue["muscle"] < image[labels == 1].mean() < image[labels == 2].mean()
