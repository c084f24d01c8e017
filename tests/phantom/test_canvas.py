"""Painted shapes have the volume and the place that geometry says, on straight and on oblique grids."""

from math import pi

import numpy as np
import pytest

from fedbundle.phantom.canvas import Canvas, Grid, along, placed, rotation


def canvas(turn: np.ndarray, samples: int = 2) -> Canvas:
    """40 x 60 x 64 voxels of 1 x 1 x 2 mm about the origin, turned."""
    affine = np.eye(4)
    affine[:3, :3] = turn * (1.0, 1.0, 2.0)
    affine[:3, 3] = -affine[:3, :3] @ (31.5, 29.5, 19.5)
    return Canvas(Grid((40, 60, 64), affine, 2.0), placed((0, 0, 0)), samples)


@pytest.mark.parametrize("turn", [np.eye(3), rotation(20, -10, 15)])
def test_ellipsoid_has_its_volume_and_centre(turn: np.ndarray) -> None:
    image = canvas(turn)
    image.ellipsoid((3, -2, 4), (14, 10, 18), [(0, 1.0)], rotation(0, 0, 30))
    share = image.slices()
    assert share.sum() * 2 == pytest.approx(4 / 3 * pi * 14 * 10 * 18, rel=0.01)
    k, j, i = (np.average(axis, weights=share) for axis in np.indices(share.shape))
    place = turn @ ((i - 31.5) * 1.0, (j - 29.5) * 1.0, (k - 19.5) * 2.0)
    np.testing.assert_allclose(place, (3, -2, 4), atol=0.05)


def test_capsule_has_its_volume() -> None:
    image = canvas(np.eye(3))
    image.capsule((-8, -5, -10), (9, 6, 12), (6, 6), [(0, 1.0)])
    length = float(np.linalg.norm((17, 11, 22)))
    assert image.slices().sum() * 2 == pytest.approx(pi * 36 * length + 4 / 3 * pi * 216, rel=0.01)


def test_layers_nest_and_edges_are_shared_between_voxels() -> None:
    image = canvas(np.eye(3))
    image.ellipsoid((0, 0, 0), (12, 12, 12), [(0, 1.0), (4, 3.0)])
    middle = image.slices()[19, 29]
    assert middle[31] == pytest.approx(3)
    assert middle[31 + 10] == pytest.approx(1)
    assert 0 < middle[31 + 12] < 1


def test_a_shape_outside_the_image_paints_nothing() -> None:
    image = canvas(np.eye(3))
    image.ellipsoid((500, 0, 0), (10, 10, 10), [(0, 1.0)])
    assert image.block((90, 90, 90), (99, 99, 99)) is None
    assert not image.signal.any()


def test_rotations_are_right_handed() -> None:
    np.testing.assert_allclose(rotation(0, 0, 90) @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    frame = along(np.array([1.0, 2.0, -3.0]))
    assert np.linalg.det(frame) == pytest.approx(1)
    np.testing.assert_allclose(frame[:, 2] * np.sqrt(14), (1, 2, -3))
