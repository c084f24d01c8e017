"""A volume keeps its values at their places when it is brought onto another grid, and stops where it ends."""

import numpy as np
import pytest
from samples.anatomy import rigid
from samples.dicom_series import linear_value

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.resample import PADDING, resampled
from fedbundle.dicom.pixels.volume import Volume

TILT = rigid((3.0, -2.0, 5.0), (8.0, -12.0, 20.0))


def linear(shape: tuple[int, int, int], spacing: tuple[float, float, float], turn: Array) -> Volume:
    """Values that grow linearly with the place, on a grid around the origin, then turned."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(reversed(shape), spacing, strict=True)]
    affine = turn @ affine
    return Volume(linear_value(places(shape, affine)).astype(np.float32), affine, "1.2.3")


def places(shape: tuple[int, ...], affine: Array) -> Array:
    k, j, i = np.indices(shape)
    return (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ affine.T)[..., :3]


def test_values_stay_at_their_places_on_an_oblique_grid() -> None:
    source = linear((40, 50, 60), (2.0, 2.5, 3.0), np.eye(4))
    grid = linear((10, 30, 20), (0.7, 0.9, 3.3), TILT)
    found, covered = resampled(source, grid)
    assert covered == 1.0
    assert found.array.shape == grid.array.shape
    assert np.array_equal(found.affine, grid.affine)
    assert float(np.abs(found.array - grid.array).max()) < 0.01


def test_a_matrix_leads_from_the_grid_to_the_volume() -> None:
    source = linear((40, 50, 60), (2.0, 2.5, 3.0), np.eye(4))
    grid = linear((10, 20, 20), (1.0, 1.0, 3.0), np.eye(4))
    found, _ = resampled(source, grid, TILT)
    wanted = linear_value(places(grid.array.shape, TILT @ grid.affine))
    assert float(np.abs(found.array - wanted).max()) < 0.01


def test_outside_is_padding_and_is_counted() -> None:
    source = linear((20, 20, 20), (1.0, 1.0, 1.0), np.eye(4))
    grid = linear((20, 40, 20), (1.0, 1.0, 1.0), np.eye(4))
    found, covered = resampled(source, grid)
    assert covered == pytest.approx(0.5)
    assert np.array_equal(found.array[:, :10], np.full((20, 10, 20), PADDING, np.float32))
    assert float(np.abs(found.array - grid.array)[:, 10:30].max()) < 0.01
