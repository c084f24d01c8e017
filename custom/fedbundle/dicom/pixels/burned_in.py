"""Text in the pixels: rows of small shapes of one height that stand out from what lies around them.

Letters are thin, sharp and high in contrast, and stand side by side. At three scales, a top-hat filter (Serra 1982)
takes out what is thicker than a stroke, bright on dark and dark on bright; connected shapes of the size of letters that
form a row are told. A single letter, such as a side marker, is none. It is a flag for a person who looks, not a proof:
it does not find faint, handwritten or vertical text, nor rows of fewer than `LEAST_LETTERS`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

SCALES = (1, 2, 4)  # the image is shrunk by so much, so that strokes of large letters are thin
STROKE = 3  # half the widest stroke, in pixels of the scale
CONTRAST = 0.2  # of the range of grey values
HEIGHTS = (6, 36)  # of letters, in pixels of the scale
WIDEST = 1.4  # of a letter, in heights
LEAST_FILL, MOST_FILL = 0.12, 0.95  # of its box that a letter fills
LEAST_LETTERS = 4
NEAR = 1.2  # gap between letters, in heights
ALIKE = 0.75  # smallest ratio of the heights of two letters of a row
LEAST_OVERLAP = 0.6  # of the heights, vertically
MOST_SHAPES = 20_000  # of a scale; more are noise


@dataclass(frozen=True)
class Text:
    """Where text seems to be: first row and column, rows and columns of a box, in pixels of the image."""

    row: int
    column: int
    height: int
    width: int
    letters: int


def find_text(pixels: NDArray[np.float32]) -> list[Text]:
    """Boxes of what looks like text, largest first; those found at several scales once each.

    Args:
        pixels: one image [row, column], any grey scale.
    """
    low, high = np.percentile(pixels, (0.1, 99.9))
    if not high > low:
        return []
    grey = sitk.GetImageFromArray(np.clip((pixels - low) / (high - low), 0, 1).astype(np.float32))
    found: list[Text] = []
    for scale in SCALES:
        if min(grey.GetSize()) // scale < 4 * HEIGHTS[0]:
            break
        small = sitk.BinShrink(grey, [scale, scale]) if scale > 1 else grey
        for top_hat in (sitk.WhiteTopHat, sitk.BlackTopHat):
            shapes = _shapes(top_hat(small, [STROKE, STROKE], sitk.sitkBox) > CONTRAST)
            found += [_box(row, scale) for row in _rows(shapes)]
    found.sort(key=lambda text: -text.letters)
    return [text for index, text in enumerate(found) if not any(_covers(other, text) for other in found[:index])]


Shape = tuple[int, int, int, int]  # column, row, width, height


def _shapes(mask: sitk.Image) -> list[Shape]:
    """Connected shapes that may be letters."""
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.ComputeFeretDiameterOff()
    statistics.ComputePerimeterOff()
    labels = sitk.ConnectedComponent(mask, True)
    statistics.Execute(labels)
    if statistics.GetNumberOfLabels() > MOST_SHAPES:
        return []
    found = []
    for label in statistics.GetLabels():
        column, row, width, height = statistics.GetBoundingBox(label)
        fill = statistics.GetNumberOfPixels(label) / (width * height)
        if HEIGHTS[0] <= height <= HEIGHTS[1] and width <= WIDEST * height and LEAST_FILL <= fill <= MOST_FILL:
            found.append((column, row, width, height))
    return found


def _rows(shapes: list[Shape]) -> Iterator[list[Shape]]:
    """Rows of shapes side by side, alike in height and near each other."""
    waiting = sorted(shapes)
    while waiting:
        line, rest = [waiting[0]], list[Shape]()
        for shape in waiting[1:]:
            (line if _follows(line[-1], shape) else rest).append(shape)
        waiting = rest
        if len(line) >= LEAST_LETTERS:
            yield line


def _follows(letter: Shape, other: Shape) -> bool:
    height = max(letter[3], other[3])
    overlap = min(letter[1] + letter[3], other[1] + other[3]) - max(letter[1], other[1])
    gap = other[0] - (letter[0] + letter[2])
    return (
        min(letter[3], other[3]) >= ALIKE * height and overlap >= LEAST_OVERLAP * height and -1 <= gap <= NEAR * height
    )


def _box(line: list[Shape], scale: int) -> Text:
    left, top = min(shape[0] for shape in line), min(shape[1] for shape in line)
    right, bottom = max(shape[0] + shape[2] for shape in line), max(shape[1] + shape[3] for shape in line)
    return Text(top * scale, left * scale, (bottom - top) * scale, (right - left) * scale, len(line))


def _covers(one: Text, other: Text) -> bool:
    """Most of the second box lies in the first."""
    rows = min(one.row + one.height, other.row + other.height) - max(one.row, other.row)
    columns = min(one.column + one.width, other.column + other.width) - max(one.column, other.column)
    return rows > 0 and columns > 0 and 2 * rows * columns > other.height * other.width
