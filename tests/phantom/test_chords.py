"""Lengths of rays through simple bodies against their formulas."""

import numpy as np
import pytest

from fedbundle.phantom.canvas import placed, rotation
from fedbundle.phantom.chords import ball, bar, inside, sheet
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Film
from fedbundle.phantom.solid import Solid

BEAM = Beam(rows=121, columns=121, pixel_mm=0.8, focus_mm=20_000, detector_y=0, centre=(0, 0))
"""So far away that rays are nearly parallel; at y = 0 a pixel is 0.8 mm."""
NEAR = Beam(rows=121, columns=121, pixel_mm=0.8, focus_mm=1100, detector_y=120, centre=(0, 0))
HERE = np.eye(4)


def test_a_ray_through_a_ball() -> None:
    path = ball(BEAM, HERE, (8, 0, 0), 20)
    assert path is not None
    whole = np.zeros((121, 121))
    whole[path.window] = path.length
    x = (np.arange(121) - 60) * 0.8
    expected = 2 * np.sqrt(np.clip(400 - (x - 8) ** 2 - x[:, None] ** 2, 0, None))
    np.testing.assert_allclose(whole, expected, atol=0.3)
    upper = ball(BEAM, HERE, (8, 0, 0), 20, ((0, 0, 1), 0))
    behind = ball(BEAM, HERE, (8, 0, 0), 20, ((0, 1, 0), 0))
    assert upper is not None and behind is not None
    assert upper.length.sum() == pytest.approx(path.length.sum() / 2, rel=0.03)
    np.testing.assert_allclose(behind.length, path.length / 2, atol=0.1)


def test_a_ray_through_a_bar_grows_with_its_slope_and_stops_at_its_ends() -> None:
    flat = bar(BEAM, HERE, (-20, 0, 0), (20, 0, 0), (4, 4))
    steep = bar(BEAM, HERE, (-20, -20, 0), (20, 20, 0), (4, 4))
    assert flat is not None and steep is not None
    assert flat.length.max() == pytest.approx(8, abs=0.05)
    assert steep.length.max() == pytest.approx(8 * np.sqrt(2), abs=0.1)
    volume = flat.length.sum() * 0.8**2
    assert volume == pytest.approx(np.pi * 16 * 40, rel=0.04)
    cone = bar(BEAM, HERE, (-20, 0, 0), (20, 0, 0), (2, 6))
    screw = bar(BEAM, HERE, (-20, 0, 0), (20, 0, 0), (4, 4), thread_mm=4)
    assert cone is not None and screw is not None
    assert cone.length[:, 30].max() < flat.length[:, 30].max() < cone.length[:, -30].max()
    assert np.ptp(screw.length.max(axis=0)[15:-15]) == pytest.approx(0.2 * 8, rel=0.1)


def test_a_sheet_is_crossed_where_it_lies_and_is_longer_when_seen_aslant() -> None:
    def slope(x, z):
        return 0.75 * x, 0 * x + 0.75, 0 * z

    met = sheet(BEAM, HERE, (-30, -30, -30), (30, 30, 30), slope)
    turned = sheet(BEAM, placed((0, 0, 0), rotation(0, 0, 15)), (-30, -30, -30), (30, 30, 30), slope)
    assert met is not None and turned is not None
    np.testing.assert_allclose(met.stretch, 1.25, atol=0.01)
    assert turned.stretch.mean() != pytest.approx(1.25, abs=0.05)
    x = (np.arange(121)[met.window[1]] - 60) * 0.8
    np.testing.assert_allclose(met.x, np.broadcast_to(x, met.x.shape), atol=0.1)


def test_distance_to_an_outline() -> None:
    x, z = np.meshgrid(np.float32([0, 4, 9, 12]), np.float32([0, 2]))
    square = [(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)]
    np.testing.assert_allclose(inside(x, z, square), [[5, 1, -4, -7], [3, 1, -4, -7]], atol=1e-5)


@pytest.mark.parametrize("step", [1.6, 2.2])
def test_a_solid_sampled_along_the_rays_has_the_mass_of_the_formula(step: float) -> None:
    frame = placed((4, -6, 3), rotation(20, 30, 10) @ np.diag([-1.0, 1, 1]))
    block = NEAR.block((-25, -25, -25), (25, 25, 25), frame, step)
    assert block is not None
    solid = Solid(block, lambda low, high: NEAR.span(low, high, frame, step))
    solid.ellipsoid((0, 0, 0), (18, 18, 18))
    film, exact = Film(NEAR), Film(NEAR)
    film.add_block("bone", block, np.clip(0.5 - solid.distance / step, 0, 1) * np.float32(1.92), step)
    path = ball(NEAR, frame, (0, 0, 0), 18)
    assert path is not None
    exact.add_path("bone", path.window, path.length)
    assert film.mass["bone"].sum() == pytest.approx(exact.mass["bone"].sum(), rel=0.01)
    middle = exact.mass["bone"] > 0.6 * exact.mass["bone"].max()
    assert np.abs(film.mass["bone"] - exact.mass["bone"])[middle].max() < 0.05
