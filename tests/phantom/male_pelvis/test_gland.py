"""Invented prostates look like prostates: volumes, share and place of the zones."""

import numpy as np
import pytest

from fedbundle.phantom.canvas import Canvas, Grid, placed
from fedbundle.phantom.male_pelvis.gland import PERIPHERAL, TRANSITION, paint_gland, zone_labels
from fedbundle.phantom.male_pelvis.patient import Patient, invent
from fedbundle.phantom.male_pelvis.tissues import signals
from fedbundle.phantom.prostate_mri_zones.sites import SITES
from fedbundle.phantom.texture import Texture

STEP_MM = 1.5


@pytest.fixture(scope="module")
def glands() -> list[tuple[Patient, np.ndarray]]:
    """Twenty patients with their labels on a 96 mm cube about the gland, body axes."""
    tissue = signals(SITES["site-a"].acquisition)
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = -STEP_MM * 31.5
    drawn = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        man = invent(random)
        canvas = Canvas(Grid((64, 64, 64), affine, STEP_MM), placed((0, 0, 0)), 1)
        zones = paint_gland(canvas, man, tissue, Texture(random), random)
        drawn.append((man, zone_labels(canvas, zones, (64, 64, 64))))
    return drawn


def test_volume_is_the_one_drawn(glands: list[tuple[Patient, np.ndarray]]) -> None:
    for man, labels in glands:
        assert 20 < man.volume_ml < 95
        assert np.count_nonzero(labels) * STEP_MM**3 / 1000 == pytest.approx(man.volume_ml, rel=0.1)


def test_transition_zone_grows_with_the_gland(glands: list[tuple[Patient, np.ndarray]]) -> None:
    share = [np.mean(labels[labels > 0] == TRANSITION) for _, labels in glands]
    assert 0.25 < min(share) < 0.45 < max(share) < 0.75
    assert np.corrcoef([man.volume_ml for man, _ in glands], share)[0, 1] > 0.7


def test_peripheral_zone_lies_behind_and_below(glands: list[tuple[Patient, np.ndarray]]) -> None:
    for _, labels in glands:
        inner, outer = (np.argwhere(labels == zone).mean(axis=0) for zone in (TRANSITION, PERIPHERAL))
        assert outer[1] > inner[1] + 2  # rows go to the back
        assert outer[0] < inner[0]  # slices go to the head
        front, back = (np.flatnonzero(labels[32, :, 32])[end] for end in (0, -1))
        assert labels[32, front, 32] == TRANSITION
        assert labels[32, back, 32] == PERIPHERAL


def test_a_volume_beside_the_gland_has_no_labels() -> None:
    random = np.random.default_rng(0)
    man = invent(random)
    canvas = Canvas(Grid((2, 8, 8), placed((300, 0, 0)), 1.0), placed((0, 0, 0)), 1)
    assert paint_gland(canvas, man, signals(SITES["site-a"].acquisition), Texture(random), random) is None
    assert not zone_labels(canvas, None, (2, 8, 8)).any()
