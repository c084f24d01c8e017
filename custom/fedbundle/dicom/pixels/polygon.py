"""Pixels inside a polygon: the even-odd rule, outlines included."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

ON_LINE = 3  # decimals of a voxel
Polygon = NDArray[np.float64]  # (points, 2): column, row of the image
Bits = NDArray[np.bool_]


def filled(polygons: Iterable[Polygon], shape: tuple[int, ...]) -> Bits:
    """Voxels [row, column] whose centres lie inside by the even-odd rule, or on an outline.

    Args:
        polygons: closed outlines; the last point is joined to the first.
        shape: rows, columns.
    """
    rounded = [np.round(polygon, ON_LINE) for polygon in polygons]
    begin = np.concatenate(rounded)
    end = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in rounded])
    mask = np.zeros(shape, dtype=bool)
    low, high = np.minimum(begin[:, 1], end[:, 1]), np.maximum(begin[:, 1], end[:, 1])
    for row in range(max(0, int(np.ceil(low.min()))), min(shape[0] - 1, int(high.max())) + 1):
        met = (low <= row) & (row <= high)
        (x0, y0), (x1, y1) = begin[met].T, end[met].T
        flat = y0 == y1
        crossing = x0 + (row - y0) * (x1 - x0) / np.where(flat, 1, y1 - y0)
        inside = np.sort(crossing[(y0 <= row) != (y1 <= row)])
        first = np.concatenate([inside[0::2], np.where(flat, np.minimum(x0, x1), crossing)])
        last = np.concatenate([inside[1::2], np.where(flat, np.maximum(x0, x1), crossing)])
        mask[row] = _covered(first, last, shape[1])
    return mask


def _covered(first: NDArray[np.float64], last: NDArray[np.float64], count: int) -> Bits:
    """Columns that lie in one of the intervals, ends included."""
    begins = np.clip(np.ceil(np.round(first, ON_LINE)), 0, count).astype(np.int64)
    ends = np.clip(np.floor(np.round(last, ON_LINE)) + 1, 0, count).astype(np.int64)
    change = np.bincount(begins, minlength=count + 1) - np.bincount(ends, minlength=count + 1)
    return np.asarray(np.cumsum(change)[:count] > 0)
