"""Diffusion signal against its formula; what a scanner fits from it; distortion that keeps the sum of the signal."""

import numpy as np
import pytest

from fedbundle.phantom.diffusion import Mobility, calculated, distorted, fitted


def adc(mobility: Mobility, b_values: tuple[float, ...]) -> float:
    """ADC that a scanner fits from these b-values, without noise."""
    images = np.array([mobility.left(b) for b in b_values], np.float32)[:, None, None, None]
    return float(fitted(images, b_values, 0)[1][0, 0, 0])


def test_free_water_decays_exponentially_and_its_adc_is_its_diffusivity() -> None:
    water = Mobility(2950, 0, 0)
    assert water.left(1000) == pytest.approx(np.exp(-2.95))
    assert adc(water, (0, 500, 1000)) == pytest.approx(2950, rel=1e-3)


def test_kurtosis_and_perfusion_are_the_formula_and_never_rise_with_b() -> None:
    tissue = Mobility(2000, 0.6, 0.1)
    expected = 0.9 * np.exp(-2 + 4 * 0.6 / 6) + 0.1 * np.exp(-1000 * 0.015)
    assert tissue.left(1000) == pytest.approx(expected)
    assert np.all(np.diff([tissue.left(b) for b in range(0, 4000, 50)]) <= 0)


def test_adc_hangs_on_the_b_values_that_are_measured() -> None:
    tissue = Mobility(1800, 0.7, 0.06)
    assert adc(tissue, (0, 500, 1400)) < adc(tissue, (50, 800)) < adc(tissue, (50, 600))
    assert adc(tissue, (0, 600)) > adc(tissue, (50, 600))


def test_a_computed_image_lies_on_the_fitted_line_and_noise_has_no_adc() -> None:
    images = np.stack([np.full((1, 2, 2), 0.9 * np.exp(-b * 1.2e-3), np.float32) for b in (50, 600)])
    images[:, 0, 0, 0] = 0.001
    start, found = fitted(images, (50, 600), 0.01)
    assert found[0, 1, 1] == pytest.approx(1200, rel=1e-3)
    assert found[0, 0, 0] == 0
    high = calculated(start, found, 1500)
    assert high[0, 1, 1] == pytest.approx(0.9 * np.exp(-1.8), rel=1e-3)
    assert high[0, 0, 0] == 0


def test_distortion_moves_signal_and_keeps_its_sum() -> None:
    rows = np.arange(40, dtype=np.float32)[:, None]
    image = np.broadcast_to(np.exp(-(((rows - 20) / 3) ** 2)), (2, 1, 40, 3)).astype(np.float32)
    shift = np.broadcast_to(-2 * np.exp(-(((rows - 26) / 8) ** 2)), (1, 40, 3)).astype(np.float32)
    moved = distorted(image, shift)
    assert moved.sum() == pytest.approx(image.sum(), rel=0.01)
    assert 18 < (moved * rows).sum() / moved.sum() < 19.5
    np.testing.assert_allclose(distorted(image, np.zeros((1, 40, 3), np.float32)), image, atol=1e-6)
