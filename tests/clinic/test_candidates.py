"""Candidates of a detection map, their order and size; a map that is none is refused."""

import numpy as np
import pytest
from samples.oblique_series import rotated

from fedbundle.clinic.candidates import candidates, largest_diameter_mm
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import PredictionError

SHAPE = (9, 20, 22)


def volume() -> Volume:
    return Volume(np.zeros(SHAPE, np.float32), np.diag([0.5, 0.5, 3.0, 1.0]), "")


def test_candidates_go_by_falling_score_and_weak_ones_are_counted() -> None:
    found = np.zeros(SHAPE, np.float32)
    found[2:4, 3:6, 3:7] = 0.4
    found[6, 10:12, 10:12] = 0.8
    found[8, 19, 21] = 0.05
    labels, told, weaker = candidates(found, volume(), 0.1)
    assert [(each.number, round(each.score, 6), each.slices, each.middle) for each in told] == [
        (1, 0.8, (6,), 6),
        (2, 0.4, (2, 3), 2),
    ]
    assert weaker == [pytest.approx(0.05)]
    assert [int((labels == number).sum()) for number in (1, 2)] == [4, 24]
    assert told[1].volume_ml == pytest.approx(24 * 0.75 / 1000)
    assert candidates(np.zeros_like(found), volume(), 0.1)[1:] == ([], [])


def test_largest_diameter_is_that_of_all_pairs_of_voxels() -> None:
    mask = np.random.default_rng(0).random(SHAPE) > 0.97
    affine = np.eye(4)
    affine[:3, :3] = rotated(20, 10, -30) * [0.5, 0.6, 3.0]
    places = np.argwhere(mask)[:, ::-1] @ affine[:3, :3].T
    expected = max(np.linalg.norm(a - b) for a in places for b in places)
    assert largest_diameter_mm(mask, affine) == pytest.approx(expected)
    assert largest_diameter_mm(np.ones((1, 1, 1), bool), affine) == 0


@pytest.mark.parametrize(("value", "told"), [(1.2, "values 0 to 1.2"), (-0.1, "values -0.1"), (0.3, "several values")])
def test_what_is_no_detection_map_is_refused(value: float, told: str) -> None:
    found = np.zeros(SHAPE, np.float32)
    found[2:4, 3:6, 3:7] = 0.4
    found[4, 5, 7] = value  # touches by a corner
    with pytest.raises(PredictionError, match=told):
        candidates(found, volume(), 0.1)
