"""Detection maps, judged by the program of those who defined them."""

import numpy as np
import pytest
from report_guided_annotation import extract_lesion_candidates
from scipy import ndimage

from fedblocks.detection import MOST, candidates, detection_map


def smooth(seed: int, shape: tuple[int, int, int] = (32, 28, 12), sigma: float = 1.5) -> np.ndarray:
    """A random map with several peaks of all heights."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    field = np.clip(field / field.max(), 0, None)
    return (field**2).astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("min_voxels", [0, 1, 10])
def test_the_candidates_are_those_of_report_guided_annotation(seed: int, min_voxels: int) -> None:
    probability = smooth(seed, sigma=1.0 + seed % 3)
    found = detection_map(probability, min_voxels)
    _, values = candidates(found)
    judged, confidences, _ = extract_lesion_candidates(probability, "dynamic-v2", min_voxels)
    assert np.allclose(found, judged, atol=1e-7)
    assert sorted(values) == pytest.approx(sorted(each for _, each in confidences))
    if not min_voxels:  # else version 1 takes an empty candidate where only small parts are left
        assert np.allclose(found, extract_lesion_candidates(probability, "dynamic", 0)[0], atol=1e-7)


def test_there_are_few_candidates_and_none_in_a_faint_map() -> None:
    assert len(np.unique(detection_map(smooth(1, sigma=1.0), 1))) == MOST + 1
    assert not detection_map(smooth(1) * 0.009).any()


@pytest.mark.parametrize("wrong", [smooth(2), smooth(2) * 2, np.full((4, 4, 4), np.nan), np.zeros((4, 4))])
def test_a_probability_map_is_no_detection_map(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="make it by detection_map"):
        candidates(wrong)
