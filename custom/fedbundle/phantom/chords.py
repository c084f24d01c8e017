"""How far each ray of a radiograph runs through balls, bars and bent sheets, computed exactly or nearly so."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.radiograph_beam import Beam, Frame, Place, Window


@dataclass(frozen=True)
class Path:
    """Length in mm, [row, column], in a window of the image."""

    window: Window
    length: Array


def window_of(beam: Beam, low: Place, high: Place, frame: Frame) -> Window | None:
    """Rows and columns that a box of local coordinates may touch."""
    found = beam.span(low, high, frame, 10)
    return None if found is None else found[1:]


def ball(
    beam: Beam, frame: Frame, centre: Place, radius: float, beyond: tuple[Place, float] | None = None
) -> Path | None:
    """Through a ball; of `beyond` = (normal, offset) only the part where the normal times (p - centre) > offset."""
    middle = np.asarray(centre, np.float64)
    window = window_of(beam, middle - radius, middle + radius, frame)
    if window is None:
        return None
    focus, ray = beam.rays(frame, window)
    start = focus - middle[:, None, None].astype(np.float32)
    squares = (ray * ray).sum(0)
    nearest = -(ray * start).sum(0) / squares
    away = ((start + nearest * ray) ** 2).sum(0)
    half = np.sqrt(np.clip(np.float32(radius**2) - away, 0, None) / squares)
    first, last = nearest - half, nearest + half
    if beyond is not None:
        normal = np.asarray(beyond[0], np.float32)[:, None, None]
        rise, level = (ray * normal).sum(0), (start * normal).sum(0) - np.float32(beyond[1])
        rise = np.where(np.abs(rise) < 1e-5, np.float32(1e-5), rise)
        crossing = -level / rise
        first = np.where(rise > 0, np.maximum(first, crossing), first)
        last = np.where(rise > 0, last, np.minimum(last, crossing))
    return Path(window, np.clip(last - first, 0, None))


def bar(
    beam: Beam, frame: Frame, start: Place, end: Place, radii: tuple[float, float], thread_mm: float = 0
) -> Path | None:
    """Through a round bar with blunt ends that lies across the rays; its radius changes along it.

    `thread_mm`: the pitch of a screw, whose thread is a fifth of the radius deep.
    """
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    wide = max(radii) * 1.1
    window = window_of(beam, np.minimum(a, b) - wide, np.maximum(a, b) + wide, frame)
    if window is None:
        return None
    focus, ray = beam.rays(frame, window)
    length = float(np.linalg.norm(b - a))
    axis = ((b - a) / length).astype(np.float32)[:, None, None]
    from_start = focus - a[:, None, None].astype(np.float32)
    rise, level = (ray * axis).sum(0), (from_start * axis).sum(0)
    across, aside = ray - rise * axis, from_start - level * axis
    squares = (across * across).sum(0)
    nearest = -(across * aside).sum(0) / squares
    away = ((aside + nearest * across) ** 2).sum(0)
    at = level + nearest * rise
    radius = np.float32(radii[0]) + np.float32((radii[1] - radii[0]) / length) * np.clip(at, 0, length)
    if thread_mm:
        radius = radius * (1 - 0.2 * np.clip(1.5 * np.sin(at * np.float32(2 * np.pi / thread_mm)), 0, 1))
    through = 2 * np.sqrt(np.clip(radius * radius - away, 0, None) / squares)
    through = np.minimum(through, length / np.maximum(np.abs(rise), 1e-3))
    through *= np.clip(np.minimum(at, length - at) + 0.5, 0, 1)
    return Path(window, np.asarray(through, np.float32))


@dataclass(frozen=True)
class Crossing:
    """Where the rays of a window meet a sheet: local x and z, and path per mm of the sheet's thickness."""

    window: Window
    x: Array
    z: Array
    stretch: Array


def sheet(
    beam: Beam, frame: Frame, low: Place, high: Place, depth: Callable[[Array, Array], tuple[Array, Array, Array]]
) -> Crossing | None:
    """Where rays meet the surface y = depth(x, z) within a box of local coordinates.

    `depth` returns y and its slopes along x and z; a few steps of fixed-point iteration find the crossing, since the
    rays run nearly along y.
    """
    window = window_of(beam, low, high, frame)
    if window is None:
        return None
    focus, ray = beam.rays(frame, window)
    along = (np.float32((low[1] + high[1]) / 2) - focus[1]) / ray[1]
    for _ in range(4):
        x, z = focus[0] + along * ray[0], focus[2] + along * ray[2]
        y, by_x, by_z = depth(x, z)
        along = (y - focus[1]) / ray[1]
    x, z = focus[0] + along * ray[0], focus[2] + along * ray[2]
    normal = np.sqrt(1 + by_x * by_x + by_z * by_z)
    meeting = np.maximum(np.abs(ray[1] - by_x * ray[0] - by_z * ray[2]), np.float32(0.12) * normal)
    return Crossing(window, x, z, np.asarray(normal / meeting, np.float32))


def inside(x: Array, z: Array, outline: list[tuple[float, float]]) -> Array:
    """Signed distance in mm to a polygon of (x, z) corners in either sense of rotation; positive inside."""
    nearest = np.full(x.shape, np.float32(1e9))
    odd = np.zeros(x.shape, bool)
    for n, (ax, az) in enumerate(outline):
        bx, bz = outline[n - 1]
        ex, ez = bx - ax, bz - az
        wx, wz = x - np.float32(ax), z - np.float32(az)
        share = np.clip((wx * ex + wz * ez) / (ex * ex + ez * ez), 0, 1)
        nearest = np.minimum(nearest, (wx - share * ex) ** 2 + (wz - share * ez) ** 2)
        if ez:
            odd ^= ((az > z) != (bz > z)) & (wx < ex * wz / ez)
    return np.asarray(np.sqrt(nearest) * np.where(odd, 1, -1), np.float32)
