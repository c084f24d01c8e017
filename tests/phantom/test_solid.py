"""Signed distances of bars, ellipsoids and cuts."""

import numpy as np
import pytest

from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.solid import Solid

BEAM = Beam(rows=81, columns=81, pixel_mm=1.0, focus_mm=100_000, detector_y=60, centre=(0, 0))


@pytest.fixture
def solid() -> Solid:
    """An empty solid of 80 mm, points 1 mm apart; [y, row, column]."""
    block = BEAM.block((-39, -39, -39), (39, 39, 39), np.eye(4), 1.0)
    assert block is not None
    return Solid(block, lambda low, high: BEAM.span(low, high, np.eye(4), 1.0))


def at(solid: Solid, x: float, y: float, z: float) -> float:
    """Distance at the nearest point."""
    block = solid.block
    return float(solid.distance.flat[np.argmin((block.x - x) ** 2 + (block.y - y) ** 2 + (block.z - z) ** 2)])


def test_bars_taper_and_lie_flat(solid: Solid) -> None:
    solid.bar((-20, 0, 0), (20, 0, 0), (10, 6))
    assert at(solid, -20, 0, 0) == pytest.approx(-10, abs=0.1)
    assert at(solid, 0, 0, 8) == pytest.approx(0, abs=0.1)
    assert at(solid, 20, 8, 0) == pytest.approx(2, abs=0.1)
    assert at(solid, 28, 0, 0) == pytest.approx(2, abs=0.1)


def test_a_flat_bar_is_thinner_from_front_to_back(solid: Solid) -> None:
    solid.bar((-20, 0, 0), (20, 0, 0), (10, 10), flat=0.5)
    assert at(solid, 0, 5, 0) == pytest.approx(0, abs=0.1)
    assert at(solid, 0, 0, 10) == pytest.approx(0, abs=0.1)


def test_ellipsoids_turn(solid: Solid) -> None:
    solid.ellipsoid((2, 0, 0), (6, 6, 15), axis=(1, 0, 0))
    assert at(solid, 17, 0, 0) == pytest.approx(0, abs=0.1)
    assert at(solid, 2, 0, 6) == pytest.approx(0, abs=0.1)


def test_a_blend_fills_the_corner_and_nothing_else(solid: Solid) -> None:
    solid.bar((-20, 0, 0), (20, 0, 0), (6, 6))
    solid.bar((0, 0, 0), (0, 0, 25), (6, 6), blend=8)
    assert at(solid, 7, 0, 7) < 0.5
    assert at(solid, -20, 0, 6) == pytest.approx(0, abs=0.1)


def test_a_carved_ball_is_hollow(solid: Solid) -> None:
    solid.ellipsoid((0, 0, 0), (20, 20, 20))
    solid.carve((0, 0, 0), 14)
    assert at(solid, 0, 0, 0) == pytest.approx(14, abs=0.1)
    assert at(solid, 0, 0, 17) == pytest.approx(-3, abs=0.1)
