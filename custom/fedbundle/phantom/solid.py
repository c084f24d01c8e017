"""Solids made of bars, ellipsoids and cuts: the signed distance to their surface at the points of a block."""

from collections.abc import Callable, Sequence

import numpy as np

from fedbundle.phantom.canvas import Array, Block, along
from fedbundle.phantom.radiograph_beam import Place

Span = Callable[[Place, Place], "tuple[slice, slice, slice] | None"]
"""Which points of the image a box of the solid's own coordinates may touch."""
FAR = 1e3


class Solid:
    """Signed distance in mm, about, at the points of a block: negative inside; exact only near the surface."""

    def __init__(self, block: Block, span: Span) -> None:
        """An empty solid."""
        self.block = block
        self._span = span
        self.distance: Array = np.full(block.x.shape, FAR, np.float32)

    def part(self, low: Place, high: Place) -> tuple[slice, slice, slice] | None:
        """The points of the block in a box of local coordinates."""
        found = self._span(low, high)
        if found is None:
            return None
        parts = tuple(
            slice(max(own.start, all_.start) - all_.start, min(own.stop, all_.stop) - all_.start)
            for own, all_ in zip(found, self.block.index, strict=True)
        )
        return None if any(part.start >= part.stop for part in parts) else (parts[0], parts[1], parts[2])

    def points(self, part: tuple[slice, slice, slice]) -> tuple[Array, Array, Array]:
        """x, y and z of a part of the block."""
        return self.block.x[part], self.block.y[part], self.block.z[part]

    def bar(self, start: Place, end: Place, radii: tuple[float, float], blend: float = 0, flat: float = 1) -> None:
        """Add a round bar whose radius goes from the first to the second of `radii`.

        `blend` mm round the corner to what is there; `flat` is the ratio of the bar's y to its x and z extent.
        """
        reach = max(radii) + blend + 3
        part = self.part(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
        if part is None:
            return
        squeeze = np.array([1, 1 / flat, 1])
        a, b = np.asarray(start) * squeeze, np.asarray(end) * squeeze
        length = float(np.linalg.norm(b - a))
        axis = ((b - a) / length).astype(np.float32)
        x, y, z = self.points(part)
        x, y, z = x - np.float32(a[0]), y * np.float32(1 / flat) - np.float32(a[1]), z - np.float32(a[2])
        at = x * axis[0]
        at += y * axis[1]
        at += z * axis[2]
        np.clip(at, 0, length, out=at)
        x -= at * axis[0]
        y -= at * axis[1]
        z -= at * axis[2]
        squares = np.multiply(x, x, out=x)
        squares += y * y
        squares += z * z
        distance = np.sqrt(squares, out=squares)
        at *= (radii[1] - radii[0]) / length
        at += radii[0]
        distance -= at
        self.join(part, distance, blend)

    def path(self, points: Sequence[Place], radii: Sequence[float], blend: float = 0, flat: float = 1) -> None:
        """Add bars from point to point."""
        for n in range(len(points) - 1):
            self.bar(points[n], points[n + 1], (radii[n], radii[n + 1]), blend, flat)

    def ellipsoid(self, centre: Place, radii: Place, blend: float = 0, axis: Place | None = None) -> None:
        """Add an ellipsoid; `axis` is where its third radius points."""
        reach = max(radii) + blend + 3
        part = self.part(np.subtract(centre, reach), np.add(centre, reach))
        if part is None:
            return
        x, y, z = self.points(part)
        if axis is None:
            x, y, z = x - np.float32(centre[0]), y - np.float32(centre[1]), z - np.float32(centre[2])
        else:
            turn = along(np.asarray(axis, np.float64)).T
            to = np.column_stack([turn, -turn @ np.asarray(centre)]).astype(np.float32)
            x, y, z = (to[n, 0] * x + to[n, 1] * y + (to[n, 2] * z + to[n, 3]) for n in range(3))
        weights = [np.float32(1 / radius**2) for radius in radii]
        x, y, z = x * x * weights[0], y * y * weights[1], z * z * weights[2]
        level = x + y + z
        slope = np.sqrt(x * weights[0] + y * weights[1] + z * weights[2])
        slope += np.float32(1e-6)
        self.join(part, (level - np.sqrt(level)) / slope, blend)

    def join(self, part: tuple[slice, slice, slice], distance: Array, blend: float) -> None:
        """Union with another solid; the corner between both is rounded by `blend` mm (polynomial smooth minimum)."""
        here = self.distance[part]
        if blend > 0:
            gap = np.abs(here - distance)
            np.subtract(blend, gap, out=gap)
            np.clip(gap, 0, None, out=gap)
            gap *= gap
            gap *= 0.25 / blend
            np.minimum(here, distance, out=here)
            here -= gap
        else:
            np.minimum(here, distance, out=here)

    def carve(self, centre: Place, radius: float) -> None:
        """Cut out a ball."""
        reach = radius + 4
        part = self.part(np.subtract(centre, reach), np.add(centre, reach))
        if part is None:
            return
        x, y, z = self.points(part)
        squares = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2
        here = self.distance[part]
        np.maximum(here, radius - np.sqrt(squares), out=here)
