"""One body whose hips the tests change, and the films it is projected on."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.hip_radiograph_fracture.patient import Patient, invent
from fedbundle.phantom.hip_radiograph_fracture.sites import SITES
from fedbundle.phantom.radiograph_beam import Beam


@pytest.fixture(scope="session")
def patient() -> Patient:
    """Without fracture or implant, lying straight."""
    man = invent(np.random.default_rng(4), SITES["site-a"].people)
    hips = tuple(replace(hip, fracture=0, turn_degrees=10.0, adduction_degrees=4.0, severity=0.5) for hip in man.hips)
    return replace(man, hips=hips, rotation_degrees=0.0, tilt_degrees=2.0, list_degrees=0.0)


@pytest.fixture(scope="session")
def beam() -> Beam:
    """A film of both hips, coarser than any site's."""
    return Beam(rows=150, columns=230, pixel_mm=1.8, focus_mm=1150, detector_y=150, centre=(0, -10))
