"""A voxel grid in scanner space on which implicit shapes are painted, with partial volume at their edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Point = Sequence[float]
Value = float | Array
"""Signal of a tissue: one number, or [channel, 1, 1, 1] on a canvas with channels, or one for each canvas voxel."""
Layers = Sequence[tuple[float, Value]]
"""(depth below the surface in mm, signal), outermost first."""


@dataclass(frozen=True)
class Grid:
    """Where the voxels of one volume lie.

    `shape` is [slice, row, column]; `affine` 4x4 float64 maps the voxel index (column, row, slice) of a voxel's
    centre to LPS mm, as DICOM PS3.3 C.7.6.2.1.1 does; `thickness_mm` may be smaller than the slice spacing (a gap).
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    thickness_mm: float


@dataclass(frozen=True)
class Block:
    """The voxels of a canvas near one shape: `index` into the canvas, and their local coordinates in mm."""

    index: tuple[slice, slice, slice]
    x: Array
    y: Array
    z: Array


class Canvas:
    """Relative signal [sub-slice, row, column], float32; `slices()` averages the sub-slices of each slice.

    With channels the signal is [channel, sub-slice, row, column]: several images of the same shapes, such as one for
    each b-value. `relief` [sub-slice, row, column] is how far in mm surfaces of ellipsoids and capsules bulge.
    """

    def __init__(self, grid: Grid, pose: NDArray[np.float64], samples: int, channels: int | None = None) -> None:
        """Lay out the grid; `pose` 4x4 maps anatomy to LPS mm, `samples` sub-slices make one slice."""
        count, rows, columns = grid.shape
        steps = np.linalg.norm(grid.affine[:3, :3], axis=0)
        inside = ((np.arange(samples) + 0.5) / samples - 0.5) * grid.thickness_mm / steps[2]
        self._samples = samples
        self._levels = (np.arange(count)[:, None] + inside).ravel()
        self._to_anatomy = np.linalg.inv(pose) @ grid.affine
        self._to_index = np.linalg.inv(self._to_anatomy)
        self.edge_mm = float(max(*steps[:2], 0.35 * grid.thickness_mm / samples))
        self.shape = (count * samples, rows, columns)
        self.signal: Array = np.zeros((*(() if channels is None else (channels,)), *self.shape), np.float32)
        self.relief: Array | None = None

    def block(self, low: Point, high: Point, frame: NDArray[np.float64] | None = None) -> Block | None:
        """The voxels in a box of local coordinates; `frame` 4x4 maps local to anatomy mm; None = outside the image."""
        index = self.span(low, high, frame)
        if index is None:
            return None
        to_local = self._to_local(frame)
        levels, rows, columns = index
        i, j = np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)
        x, y, z = (self._coordinates(to_local[axis], i, j, self._levels[levels]) for axis in range(3))
        return Block(index, x, y, z)

    def span(
        self, low: Point, high: Point, frame: NDArray[np.float64] | None = None
    ) -> tuple[slice, slice, slice] | None:
        """Index of the voxels in a box of local coordinates, without their coordinates."""
        to_index = self._to_index if frame is None else self._to_index @ frame
        half = np.subtract(high, low) / 2 + self.edge_mm
        middle = to_index[:3, :3] @ (np.add(high, low) / 2) + to_index[:3, 3]
        reach = np.abs(to_index[:3, :3]) @ half
        first, last = np.floor(middle - reach), np.ceil(middle + reach) + 1
        _, height, width = self.shape
        rows, columns = ((max(int(first[n]), 0), min(int(last[n]), size)) for n, size in ((1, height), (0, width)))
        levels = np.searchsorted(self._levels, (middle[2] - reach[2], middle[2] + reach[2]))
        if rows[0] >= rows[1] or columns[0] >= columns[1] or levels[0] >= levels[1]:
            return None
        return slice(int(levels[0]), int(levels[1])), slice(*rows), slice(*columns)

    def _to_local(self, frame: NDArray[np.float64] | None) -> NDArray[np.float64]:
        return self._to_anatomy if frame is None else np.linalg.inv(frame) @ self._to_anatomy

    @staticmethod
    def _coordinates(
        row: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64], k: NDArray[np.float64]
    ) -> Array:
        planes = (row[2] * k + row[3])[:, None, None] + (row[1] * j)[:, None]
        return np.asarray(planes.astype(np.float32) + (row[0] * i).astype(np.float32), np.float32)

    def cover(self, distance: Array) -> Array:
        """Share of each voxel inside a shape, 0..1, from the signed distance in mm (negative = inside)."""
        share = np.multiply(distance, (-1 / self.edge_mm))
        share += 0.5
        return np.clip(share, 0, 1, out=share)

    def blend(self, block: Block, share: Array, value: Value) -> None:
        """Put `value` over what is there, to the share of 0..1; one for each voxel has the shape of the block."""
        under = self.signal[(..., *block.index)]
        under += share * (value - under)

    def ellipsoid(
        self,
        centre: Point,
        radii: Point,
        layers: Layers,
        turn: NDArray[np.float64] | None = None,
    ) -> None:
        """Paint an ellipsoid, turned by the 3x3 rotation `turn`."""
        frame = placed(centre, turn)
        collar = max(0.0, -min(depth for depth, _ in layers))
        block = self.block([-r - collar for r in radii], [r + collar for r in radii], frame)
        if block is None:
            return
        weights = [(1 / r**2) for r in radii]
        u, v, w = block.x**2 * weights[0], block.y**2 * weights[1], block.z**2 * weights[2]
        level = u + v + w
        slope = np.sqrt(u * weights[0] + v * weights[1] + w * weights[2]) + (1e-6)
        self._uneven(block, (level - np.sqrt(level)) / slope, min(radii), layers)

    def capsule(self, start: Point, end: Point, radii: tuple[float, float], layers: Layers) -> None:
        """Paint a round bar from `start` to `end` whose radius goes from the first to the second of `radii`."""
        axis = np.subtract(end, start)
        length = float(np.linalg.norm(axis))
        frame = placed(start, along(axis))
        wide = max(radii)
        block = self.block((-wide, -wide, -wide), (wide, wide, length + wide), frame)
        if block is None:
            return
        at = np.clip(block.z, 0, length)
        across = np.sqrt(block.x**2 + block.y**2 + (block.z - at) ** 2)
        self._uneven(block, across - (radii[0] + (radii[1] - radii[0]) / length * at), wide, layers)

    def _uneven(self, block: Block, distance: Array, radius: float, layers: Layers) -> None:
        if self.relief is not None:
            distance -= self.relief[block.index] * (min(1, radius / 8))
        self.layer(block, distance, layers)

    def layer(self, block: Block, distance: Array, layers: Layers) -> None:
        """Paint nested layers of one shape, each `depth` mm below its surface."""
        for depth, value in layers:
            voxelwise = isinstance(value, np.ndarray) and value.shape[-3:] == self.shape
            here = value[(..., *block.index)] if isinstance(value, np.ndarray) and voxelwise else value
            self.blend(block, self.cover(distance + depth), here)

    def slices(self, field: Array | None = None) -> Array:
        """Mean over the sub-slices: [.., slice, row, column]; of the painted signal or of another field of its axes."""
        field = self.signal if field is None else field
        *channels, _, rows, columns = field.shape
        mean: Array = field.reshape(*channels, -1, self._samples, rows, columns).mean(axis=-3)
        return mean


def placed(centre: Point, turn: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """4x4 frame with its origin at `centre` mm, turned by the 3x3 rotation `turn`."""
    frame = np.eye(4)
    frame[:3, 3] = centre
    if turn is not None:
        frame[:3, :3] = turn
    return frame


def rotation(about_x: float, about_y: float, about_z: float) -> NDArray[np.float64]:
    """3x3 right-handed rotation by degrees about x, then y, then z."""
    matrix = np.eye(3)
    for axis, degrees in enumerate((about_x, about_y, about_z)):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one, two = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[one, one], step[one, two], step[two, one], step[two, two] = cos, -sin, sin, cos
        matrix = step @ matrix
    return matrix


def along(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """3x3 rotation whose third column points along `axis`."""
    third = axis / np.linalg.norm(axis)
    helper = np.eye(3)[int(np.argmin(np.abs(third)))]
    first = np.cross(helper, third)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(third, first), third], axis=1)
