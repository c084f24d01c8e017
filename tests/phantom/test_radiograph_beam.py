"""The cone of rays against the theorem of intersecting lines."""

import numpy as np
import pytest

from fedbundle.phantom.canvas import placed, rotation
from fedbundle.phantom.radiograph_beam import Beam

BEAM = Beam(rows=101, columns=141, pixel_mm=1.25, focus_mm=1000, detector_y=150, centre=(10, -5))


def test_a_thing_grows_with_its_distance_from_the_detector() -> None:
    assert BEAM.magnification(150) == pytest.approx(1)
    assert BEAM.magnification(0) == pytest.approx(1000 / 850)
    assert BEAM.column_row((10, 33, -5)) == (70, 50)
    column, row = BEAM.column_row((10 + 17, 0, -5 + 8.5))
    assert (column, row) == pytest.approx((70 + 17 / 0.85 / 1.25, 50 - 8.5 / 0.85 / 1.25))


def test_the_right_side_is_shown_on_the_left_and_the_head_above() -> None:
    right, left = BEAM.column_row((-30, 0, 0)), BEAM.column_row((30, 0, 0))
    assert right[0] < left[0]
    assert BEAM.column_row((0, 0, 40))[1] < BEAM.column_row((0, 0, -40))[1]


def test_points_of_a_block_lie_on_the_rays_of_their_pixels() -> None:
    frame = placed((5, -20, 12), rotation(10, -20, 30) @ np.diag([-1.0, 1, 1]))
    block = BEAM.block((-10, -15, -20), (10, 15, 20), frame, 2.0)
    assert block is not None
    planes, rows, columns = block.index
    local = np.stack([block.x, block.y, block.z, np.ones_like(block.x)], axis=-1)
    world = local @ frame.T
    np.testing.assert_allclose(
        world[..., 1],
        np.broadcast_to((np.arange(planes.start, planes.stop) * 2.0)[:, None, None], block.x.shape),
        atol=1e-3,
    )
    for point in ((0, 0, 0), (3, 7, 5), (-1, -1, -1)):
        column, row = BEAM.column_row(world[point][:3])
        n = [range(s.start, s.stop)[i] for s, i in zip((rows, columns), point[1:], strict=True)]
        assert (row, column) == pytest.approx(n, abs=1e-3)
    corners = np.array(np.meshgrid([-10, 10], [-15, 15], [-20, 20])).reshape(3, -1)
    assert corners.min() >= local[..., :3].min() and corners.max() <= local[..., :3].max()
    assert BEAM.block((-10, -15, -20), (10, 15, 20), placed((500, 0, 0)), 2.0) is None


def test_rays_start_at_the_focus_and_meet_their_pixels() -> None:
    frame = placed((5, -20, 12), rotation(10, -20, 30))
    focus, ray = BEAM.rays(frame, (slice(20, 22), slice(100, 103)))
    start = frame @ [*focus[:, 0, 0], 1]
    np.testing.assert_allclose(start[:3], BEAM.focus, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(ray, axis=0), 1, atol=1e-5)
    end = frame[:3, :3] @ (focus[:, 0, 0] + 700 * ray[:, 1, 2]) + frame[:3, 3]
    assert BEAM.column_row(end) == pytest.approx((102, 21), abs=1e-2)
