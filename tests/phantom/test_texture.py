"""Texture has mean 0 and standard deviation 1, comes from its seed, and belongs to the place, not the grid."""

import numpy as np

from fedbundle.phantom.canvas import Block
from fedbundle.phantom.texture import Texture

SOMEWHERE = (slice(0), slice(0), slice(0))


def lattice(shift: float = 0.0) -> Block:
    """57.6 mm cube, one voxel a cell."""
    z, y, x = (np.indices((64, 64, 64)) * 0.9 + 0.45 + shift).astype(np.float32)
    return Block(SOMEWHERE, x, y, z)


def test_mean_and_deviation() -> None:
    texture = Texture(np.random.default_rng(2))
    for field in (texture.fine(lattice()), texture.coarse(lattice())):
        assert abs(field.mean()) < 1e-3
        assert abs(field.std() - 1) < 1e-3


def test_same_seed_and_place_same_value() -> None:
    one, two = (Texture(np.random.default_rng(2)).coarse(lattice()) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    period = Texture(np.random.default_rng(2)).coarse(lattice(64 * 0.9))
    assert np.mean(one == period) > 0.99
