"""PET image formation: point spread and partial volume by their formulas, noise by its size."""

import numpy as np
import pytest

from fedbundle.phantom.canvas import Array, Canvas, Grid
from fedbundle.phantom.pet_image import PetScan, fine_grid, measured

AFFINE = np.diag([4.0, 4.0, 2.0, 1.0])
AFFINE[:3, 3] = (-78, -78, -39)
GRID = Grid((40, 40, 40), AFFINE, 2.0)
SHARP = PetScan(resolution_mm=5.5, noise=0)


def image(shape_mm: float | None, scan: PetScan = SHARP) -> Array:
    """A ball of that radius and SUV 10 in SUV 1 about the origin; None = SUV 1 everywhere."""
    canvas = Canvas(fine_grid(GRID), np.eye(4), 1)
    canvas.signal[:] = 1
    if shape_mm is not None:
        canvas.ellipsoid((0, 0, 0), (shape_mm,) * 3, [(0, 10.0)])
    return measured(canvas.slices(), GRID, scan, np.random.default_rng(0))


def test_an_even_uptake_stays_as_it_is_up_to_the_border() -> None:
    np.testing.assert_allclose(image(None), 1, rtol=1e-5)


def test_fine_voxels_fill_the_same_volume() -> None:
    fine = fine_grid(GRID)
    assert fine.shape == (80, 80, 80)
    corner = GRID.affine @ (-0.5, -0.5, -0.5, 1)
    np.testing.assert_allclose(fine.affine @ (-0.5, -0.5, -0.5, 1), corner)


def test_large_balls_keep_their_suv_and_small_ones_lose_it() -> None:
    peaks = [image(radius).max() for radius in (3.0, 5.0, 8.0, 14.0)]
    assert peaks == sorted(peaks)
    assert peaks[0] < 4
    assert peaks[3] == pytest.approx(10, rel=0.02)


def test_the_sum_of_uptake_is_kept() -> None:
    assert (image(5.0) - 1).sum() * 32 == pytest.approx(9 * 4 / 3 * np.pi * 125, rel=0.05)


def test_point_spread_has_its_width() -> None:
    line = np.zeros((80, 80, 80), np.float32)
    line[:, 40, 40] = line[:, 39, 39] = line[:, 39, 40] = line[:, 40, 39] = 1
    seen = measured(line, GRID, PetScan(8.0, 0), np.random.default_rng(0))[20]
    x = (np.arange(40) - 19.5) * 4
    variance = (seen.sum(axis=0) * x**2).sum() / seen.sum()
    own = (4**2 + 4**2) / 12  # of the painted square and of the voxel
    assert np.sqrt(variance - own) * 2.355 == pytest.approx(8.0, rel=0.05)


def test_noise_grows_with_the_root_of_uptake() -> None:
    scan = PetScan(5.5, 0.2)
    assert (image(14.0, scan) - image(14.0))[:8].std() == pytest.approx(0.2, rel=0.1)
    inside = image(14.0) > 9.5
    assert (image(14.0, scan) - image(14.0))[inside].std() == pytest.approx(0.2 * np.sqrt(10), rel=0.3)
