"""Display shutter (PS3.3 C.7.6.11): what lies outside is not shown. Rectangle, circle and polygon."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.dicom.header import codes, number, numbers, values
from fedbundle.dicom.pixels.polygon import filled

EDGES = ("ShutterLeftVerticalEdge", "ShutterRightVerticalEdge", "ShutterUpperHorizontalEdge")
LAST_EDGE = "ShutterLowerHorizontalEdge"
SHUTTERS = ("RECTANGULAR", "CIRCULAR", "POLYGONAL")
FULL = 0xFFFF  # of a P-Value of 16 bits
LEAST_VERTICES = 3
Found = TypeVar("Found")


class ShutterError(ValueError):
    """A shutter whose shape is not told in full."""


def opening(header: Dataset) -> NDArray[np.bool_] | None:
    """Pixels [row, column] that every shutter of the image leaves open; None without a shutter.

    Rows and columns count from 1 at the first pixel's centre; edges are open.

    Raises:
        ShutterError: a shape is unknown, lacks an attribute, or leaves nothing open.
    """
    shapes = [shape for shape in codes(header, "ShutterShape") if shape]
    if not shapes:
        return None
    rows, columns = (int(number(header, name) or 0) for name in ("Rows", "Columns"))
    inside = np.ones((rows, columns), dtype=bool)
    for shape in shapes:
        inside &= _inside(header, shape, rows, columns)
    if not inside.any():
        raise ShutterError("shutters leave nothing open")
    return inside


def shutter_value(header: Dataset) -> float:
    """Shutter Presentation Value (0018,1622) as a share of the brightest; black where none is given."""
    return min(max((number(header, "ShutterPresentationValue") or 0.0) / FULL, 0.0), 1.0)


def _inside(header: Dataset, shape: str, rows: int, columns: int) -> NDArray[np.bool_]:
    row, column = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)[None, :]
    if shape == "RECTANGULAR":
        left, right, upper, lower = (_needed(number(header, name), name) for name in (*EDGES, LAST_EDGE))
        return np.asarray((column >= left) & (column <= right) & (row >= upper) & (row <= lower))
    if shape == "CIRCULAR":
        centre = _needed(numbers(header, "CenterOfCircularShutter", 2), "CenterOfCircularShutter")
        radius = _needed(number(header, "RadiusOfCircularShutter"), "RadiusOfCircularShutter")
        return np.asarray((row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2)
    if shape == "POLYGONAL":
        told = values(header, "VerticesOfThePolygonalShutter")
        vertices = numbers(header, "VerticesOfThePolygonalShutter", len(told)) or ()
        if len(vertices) % 2 or len(vertices) < 2 * LEAST_VERTICES:
            raise ShutterError(f"{len(vertices)} coordinates of a polygonal shutter")
        return filled([np.asarray(vertices).reshape(-1, 2)[:, ::-1] - 1], (rows, columns))
    raise ShutterError("a shutter of another shape than rectangle, circle and polygon")


def _needed(found: Found | None, name: str) -> Found:
    if found is None:
        raise ShutterError(f"a shutter without {name}")
    return found
