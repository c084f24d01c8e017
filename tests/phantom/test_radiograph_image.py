"""Image formation against Beer and Lambert, Poisson, and what a grey scale must keep."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import COEFFICIENTS, SPECTRUM, Exposure, Film, Processing, grey, signal, smooth

BEAM = Beam(rows=120, columns=160, pixel_mm=1.0, focus_mm=1100, detector_y=150, centre=(0, 0))
SHARP = Exposure(quanta=1e12, scatter=0, focus_blur_mm=0, detector_blur_mm=0)


def slab(soft: float, bone: float = 0, steel: float = 0) -> Film:
    """Even soft tissue; bone and steel in the middle of the right half; g/cm2."""
    film = Film(BEAM)
    film.mass["soft"] += np.float32(soft)
    film.mass["bone"][40:80, 100:140] += np.float32(bone)
    film.mass["steel"][50:60, 110:120] += np.float32(steel)
    return film


def test_primary_follows_beer_and_lambert_at_each_energy() -> None:
    passed = slab(20, bone=2).primary()
    soft, bone = np.array(COEFFICIENTS["soft"]), np.array(COEFFICIENTS["bone"])
    assert passed[0, 0] == pytest.approx(float(SPECTRUM @ np.exp(-20 * soft)), rel=1e-4)
    assert passed[60, 105] == pytest.approx(float(SPECTRUM @ np.exp(-20 * soft - 2 * bone)), rel=1e-4)
    assert sum(SPECTRUM) == pytest.approx(1)


def test_noise_is_that_of_the_quanta_and_falls_with_exposure() -> None:
    film = slab(20, bone=4)
    exposure = replace(SHARP, quanta=2500)
    energy = signal(film, exposure, np.random.default_rng(1))
    behind, beside = energy[42:48, 102:138], energy[:, :80]
    assert beside.std() / beside.mean() == pytest.approx(1 / 50, rel=0.1)
    assert behind.std() / behind.mean() > 1.2 * beside.std() / beside.mean()


def test_scatter_takes_contrast_away_and_blur_takes_edges() -> None:
    film = slab(20, bone=3)
    plain, dull = (signal(film, replace(SHARP, scatter=s), np.random.default_rng(1)) for s in (0, 0.8))
    assert dull[60, 60] / dull[60, 120] < 0.9 * plain[60, 60] / plain[60, 120]
    soft = signal(film, replace(SHARP, focus_blur_mm=2), np.random.default_rng(1))
    assert np.abs(np.diff(soft, axis=1)).max() < 0.5 * np.abs(np.diff(plain, axis=1)).max()


@pytest.mark.parametrize("processing", [Processing(2, 0.5), Processing(1.7, 0.44, 0.3, equalise=0.2)])
def test_metal_is_whiter_than_bone_and_bone_than_soft_tissue(processing: Processing) -> None:
    shown = grey(signal(slab(18, bone=3, steel=6), SHARP, np.random.default_rng(1)), 1.0, processing)
    assert 0 <= shown.min() < shown[60, 20] < shown[70, 130] < shown[55, 115] <= 1
    assert shown[60, 20] == pytest.approx(processing.middle, abs=0.08)


def test_smoothing_keeps_the_mean_and_the_border() -> None:
    image = np.random.default_rng(3).random((60, 80)).astype(np.float32) + 1
    assert smooth(image, 3).mean() == pytest.approx(image.mean(), rel=0.01)
    assert smooth(np.ones((20, 30), np.float32), 5).min() == pytest.approx(1, abs=1e-3)
