"""Signal, receive field, noise and quantisation against their formulas."""

import numpy as np
import pytest

from fedbundle.phantom.mr_image import Acquisition, Tissue, magnitude, receive_field, stored

SCAN = Acquisition(3.0, 4000, 100, shading=0.0, noise=0.05, resolution=1.0)


def test_spin_echo_signal_is_the_formula() -> None:
    expected = 0.8 * (1 - np.exp(-4000 / 1000)) * np.exp(-100 / 50)
    assert SCAN.signal(Tissue(0.8, 1000, 50)) == pytest.approx(expected)


def test_noise_of_air_is_rayleigh_and_of_tissue_is_normal() -> None:
    random = np.random.default_rng(0)
    full = Acquisition(3.0, 4000, 100, shading=0.0, noise=0.05, resolution=3.0)
    air = magnitude(np.zeros((4, 96, 96), np.float32), full, random)
    assert air.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)
    tissue = magnitude(np.ones((4, 96, 96), np.float32), full, random)
    assert tissue.std() == pytest.approx(0.05, rel=0.05)


def test_receive_field_is_smooth_positive_and_none_without_shading() -> None:
    field = receive_field((5, 40, 40), 0.5, np.random.default_rng(1))
    assert field.min() > 0
    assert np.abs(np.diff(np.log(field), axis=1)).max() < 0.1
    assert np.all(receive_field((5, 40, 40), 0.0, np.random.default_rng(1)) == 1)


def test_stored_values_are_clipped_to_the_bits() -> None:
    values = stored(np.array([-1.0, 0.26, 99.0], np.float32), gain=10, bits=8)
    assert values.dtype == np.uint16
    assert values.tolist() == [0, 3, 255]
