"""The cone of rays of a radiograph: points along its rays, and lines through thin or round things."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block

Place = Sequence[float] | NDArray[np.float64]
"""x, y, z in mm."""
Frame = NDArray[np.float64]
"""4x4 from a thing's own mm to table mm; may mirror."""
Window = tuple[slice, slice]
"""Rows and columns of an image."""


@dataclass(frozen=True)
class Beam:
    """Focus and detector; table mm are LPS of a supine patient: x to the left, y to the back, z to the head.

    Rays run from the focus in front of the patient to the detector behind, so that column 0 shows the patient's right
    side and row 0 is nearest the head.
    """

    rows: int
    columns: int
    pixel_mm: float
    """Distance of pixels at the detector."""
    focus_mm: float
    """From focus to detector."""
    detector_y: float
    """Where the detector lies."""
    centre: tuple[float, float]
    """x and z of the ray that meets the detector's middle at a right angle."""

    @cached_property
    def focus(self) -> NDArray[np.float64]:
        """Where the rays start, table mm."""
        return np.array([self.centre[0], self.detector_y - self.focus_mm, self.centre[1]])

    @cached_property
    def u(self) -> Array:
        """X of each column at the detector, from the central ray."""
        return np.asarray((np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel_mm, np.float32)

    @cached_property
    def v(self) -> Array:
        """Z of each row at the detector, from the central ray."""
        return np.asarray(((self.rows - 1) / 2 - np.arange(self.rows)) * self.pixel_mm, np.float32)

    @cached_property
    def slant(self) -> Array:
        """Length of each ray per mm of depth, [row, column], 1 in the middle."""
        squares = (self.u**2 + self.v[:, None] ** 2) / self.focus_mm**2
        return np.asarray(np.sqrt(1 + squares), np.float32)

    def magnification(self, y: float) -> float:
        """How much larger than it is a thing at depth y is shown at the detector."""
        return float(self.focus_mm / (y - self.focus[1]))

    def column_row(self, point: Place) -> tuple[float, float]:
        """Where a point in table mm is shown: column and row, in pixels from the centre of the first pixel."""
        x, y, z = (float(value) for value in point)
        grow = self.magnification(y) / self.pixel_mm
        column = (x - self.centre[0]) * grow + (self.columns - 1) / 2
        return column, (self.rows - 1) / 2 - (z - self.centre[1]) * grow

    def span(self, low: Place, high: Place, frame: Frame, step_mm: float) -> tuple[slice, slice, slice] | None:
        """Planes, rows and columns that a box of local coordinates may touch; None = outside the image.

        Plane k lies at depth k * step_mm; the slice of planes may start below 0.
        """
        corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
        x, y, z = frame[:3, :3] @ corners + frame[:3, 3:]
        grow = self.focus_mm / (y - self.focus[1]) / self.pixel_mm
        columns = (x - self.centre[0]) * grow + (self.columns - 1) / 2
        rows = (self.rows - 1) / 2 - (z - self.centre[1]) * grow
        first = max(int(np.floor(rows.min())) - 1, 0), max(int(np.floor(columns.min())) - 1, 0)
        last = min(int(np.ceil(rows.max())) + 2, self.rows), min(int(np.ceil(columns.max())) + 2, self.columns)
        if first[0] >= last[0] or first[1] >= last[1]:
            return None
        planes = slice(int(np.floor(y.min() / step_mm)) - 1, int(np.ceil(y.max() / step_mm)) + 2)
        return planes, slice(first[0], last[0]), slice(first[1], last[1])

    def block(self, low: Place, high: Place, frame: Frame, step_mm: float) -> Block | None:
        """Points along the rays near a box of local coordinates, [plane, row, column], in local mm."""
        index = self.span(low, high, frame, step_mm)
        if index is None:
            return None
        planes, rows, columns = index
        depth = np.arange(planes.start, planes.stop) * step_mm
        shrink = (depth - self.focus[1]) / self.focus_mm
        across = shrink[:, None] * self.u[columns]
        up = shrink[:, None] * self.v[rows]
        inverse = np.linalg.inv(frame)
        start = inverse[:3, :3] @ [self.centre[0], 0, self.centre[1]] + inverse[:3, 3]
        x, y, z = (
            (inverse[axis, 0] * across).astype(np.float32)[:, None]
            + ((inverse[axis, 2] * up + (inverse[axis, 1] * depth)[:, None] + start[axis]).astype(np.float32))[
                ..., None
            ]
            for axis in range(3)
        )
        return Block(index, x, y, z)

    def rays(self, frame: Frame, window: Window) -> tuple[Array, Array]:
        """Focus and directions of the rays of a window in local coordinates, both [3, row, column] or broadcast to it.

        A step of 1 along a direction is 1 mm on the table, whatever the scale of the frame.
        """
        rows, columns = window
        inverse = np.linalg.inv(frame)
        focus = inverse[:3, :3] @ self.focus + inverse[:3, 3]
        u, v = self.u[columns], self.v[rows][:, None]
        plain = np.stack(np.broadcast_arrays(u, np.float32(self.focus_mm), v))
        plain /= self.slant[window] * self.focus_mm
        directions = np.tensordot(inverse[:3, :3].astype(np.float32), plain, axes=1)
        return np.asarray(focus[:, None, None], np.float32), np.asarray(directions, np.float32)
