"""PNG pictures of a film: whole with the cut-outs marked, and each cut-out with and without the network's map."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from fedbundle.clinic.pictures import DPI, PIXELS, SCALE_BAR_MM
from fedbundle.dicom.pixels.volume import Volume

LEAST_MM = 150.0  # edge of a cut-out
STRONGEST = 0.6  # opacity of the map where it is 1
COLORS = "inferno"  # rising in lightness, also for the colour-blind
EDGE = [Stroke(linewidth=2.5, foreground="black"), Normal()]


@dataclass(frozen=True)
class Box:
    """Rows and columns of a cut-out."""

    top: int
    bottom: int  # after the last
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """To index [row, column]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def box_of(saliency: NDArray[np.float32], spacing_mm: tuple[float, float], side: str) -> Box:
    """Square around the part of a map [row, column] that is not 0; half of the film where all of it is.

    Args:
        saliency: the map, on the film's grid.
        spacing_mm: between columns, between rows.
        side: R (left half) or L.
    """
    rows, columns = saliency.shape
    inside = saliency > 0
    if not inside.any():
        half = columns // 2
        return Box(0, rows, 0, half) if side == "R" else Box(0, rows, half, columns)
    ends = []
    spans = [np.flatnonzero(inside.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
    sizes = (spacing_mm[1], spacing_mm[0])
    edge = max(LEAST_MM, *(float(last - first + 1) * size for (first, last), size in zip(spans, sizes, strict=True)))
    for (first, last), size, count in zip(spans, sizes, (rows, columns), strict=True):
        middle, half = float(first + last + 1) / 2, edge / size / 2
        ends += [max(0, round(middle - half)), min(count, round(middle + half))]
    return Box(*ends)


def whole(film: Volume, boxes: Mapping[str, Box]) -> bytes:
    """The film, with a frame and a letter for each cut-out."""
    width, height, _ = film.spacing
    pixels = film.array[0]
    figure, axes = _canvas(pixels, (width, height))
    for side, box in boxes.items():
        place = (box.left * width, box.top * height)
        size = ((box.right - box.left) * width, (box.bottom - box.top) * height)
        axes.add_patch(Rectangle(place, *size, fill=False, edgecolor="#56b4e9", linewidth=1.8))
        axes.text(place[0] + 4, place[1] + 4, side, color="#56b4e9", fontsize=15, va="top", path_effects=EDGE)
    _bar(axes, (pixels.shape[1] * width, pixels.shape[0] * height))
    return _png(figure)


def cut_out(film: Volume, box: Box, saliency: NDArray[np.float32] | None = None) -> bytes:
    """A cut-out; with a map [row, column] from 0 to 1 over it, where one is given."""
    width, height, _ = film.spacing
    pixels = film.array[0][box.slices]
    figure, axes = _canvas(pixels, (width, height))
    size = (pixels.shape[1] * width, pixels.shape[0] * height)
    if saliency is not None:
        strength = np.clip(saliency[box.slices], 0, 1)
        over = colormaps[COLORS](strength)
        over[..., 3] = STRONGEST * strength
        axes.imshow(over, extent=(0.0, size[0], size[1], 0.0), aspect="auto", interpolation="bilinear")
    _bar(axes, size)
    return _png(figure)


def _canvas(pixels: NDArray[np.float32], spacing_mm: tuple[float, float]) -> tuple[Figure, Axes]:
    size = (pixels.shape[1] * spacing_mm[0], pixels.shape[0] * spacing_mm[1])
    figure = Figure(figsize=tuple(PIXELS / DPI * edge / max(size) for edge in size), dpi=DPI, facecolor="black")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    low, high = (float(level) for level in np.percentile(pixels, (0.5, 99.8)))
    axes.imshow(
        pixels,
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1e-6),
        extent=(0.0, size[0], size[1], 0.0),
        aspect="auto",
        interpolation="antialiased",
    )
    axes.set_xlim(0, size[0])
    axes.set_ylim(size[1], 0)
    return figure, axes


def _bar(axes: Axes, size: tuple[float, float]) -> None:
    """A bar of SCALE_BAR_MM at the detector."""
    inset = 0.03 * max(size)
    ends = ([inset, inset + SCALE_BAR_MM], [size[1] - inset] * 2)
    axes.plot(*ends, color="white", linewidth=2, path_effects=EDGE)
    told = f"{SCALE_BAR_MM:.0f} mm"
    axes.text(inset, size[1] - 1.4 * inset, told, color="white", fontsize=9, va="bottom", path_effects=EDGE)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
