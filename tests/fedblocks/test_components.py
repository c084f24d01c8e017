"""Components of a mask, judged by scipy."""

import numpy as np
import pytest
from scipy import ndimage

from fedblocks.components import components


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 1.0])
def test_scipy_agrees(share: float) -> None:
    mask = np.random.default_rng(7).random((23, 31, 11)) < share
    numbered, count = components(mask)
    judged, judged_count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert count == judged_count
    assert np.array_equal(numbered, judged)


def test_a_snake_is_one() -> None:
    mask = np.zeros((40, 40, 1), dtype=bool)
    mask[::4], mask[2::8, -1], mask[6::8, 0] = True, True, True
    mask[1::8, -1], mask[3::8, -1], mask[5::8, 0], mask[7::8, 0] = True, True, True, True
    assert components(mask)[1] == 1
