"""PNG pictures of a volume with the outlines of labels; drawn by matplotlib, without a display."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from fedbundle.dicom.pixels.canonical import LETTERS, Canonical, upright
from fedbundle.dicom.pixels.volume import Volume

PIXELS = 520  # longer edge of a picture
DPI = 100
SLICES = 9
MARGIN_MM = 22.0
SMALLEST_MM = 90.0
WINDOW = (1.0, 99.7)  # percentiles of the voxels above 0 that become black and white
SCALE_BAR_MM = 20.0
INSIDE = 0.8  # level of the outline between 0 (next voxel) and 1 (centre of a segment's outermost voxel)

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Picture:
    """One PNG."""

    png: bytes
    plane: str
    number: int | None  # of the source slice, counted from 0 in the order of the volume; None for a reformat
    outlined: bool


@dataclass(frozen=True)
class Window:
    """Which values become black and white."""

    low: float
    high: float
    colors: str = "gray"  # of matplotlib; gray_r shows high values dark, as nuclear medicine does

    @classmethod
    def of(cls, volume: Volume) -> "Window":
        """From the brightness of a volume whose numbers have no unit."""
        bright = volume.array[volume.array > 0]
        low, high = np.percentile(bright, WINDOW) if bright.size else (0.0, 1.0)
        return cls(float(low), float(max(high, low + 1e-6)))


def pictures(volume: Volume, labels: NDArray[np.uint8], colors: Mapping[int, str]) -> list[Picture]:
    """Overview without and with outlines; slices from head to feet, front to back or right to left; two reformats.

    Args:
        volume: the image.
        labels: [slice, row, column] on its grid.
        colors: of the values that are outlined.
    """
    drawn = Drawn(volume, labels, colors)
    return [*drawn.overview(), *drawn.slices(), *drawn.reformats()]


class Drawn:
    """A volume and its label map, turned to canonical axes."""

    def __init__(
        self, volume: Volume, labels: NDArray[np.uint8], colors: Mapping[int, str], window: Window | None = None
    ) -> None:
        self.view = Canonical.of(volume.affine)
        self.image = self.view.turn(volume.array)
        self.labels = self.view.turn(labels)
        self.colors = colors
        self.native = self.view.axis(self.view.native)
        self.found: NDArray[np.bool_] = np.isin(self.labels, list(self.colors))
        self.window = window or Window.of(volume)

    def best(self) -> Picture:
        """The slice with most of the labels, cropped to all of them; the middle slice where there is none."""
        box = self._box(self.view.native) if self.found.any() else None
        return self._draw(self.view.native, self._middle(self.native), box)

    def overview(self) -> list[Picture]:
        """The slice with most of the segments, whole field of view."""
        index = self._middle(self.native)
        return [self._draw(self.view.native, index, None, outlined=False), self._draw(self.view.native, index, None)]

    def slices(self) -> list[Picture]:
        """Up to SLICES slices that show a segment, evenly spread, cropped to the segments."""
        across = tuple(axis for axis in range(3) if axis != self.native)
        shown = np.flatnonzero(self.found.any(axis=across))
        if not shown.size:
            return []
        picked = np.unique(np.linspace(0, shown.size - 1, min(SLICES, shown.size)).round().astype(int))
        order = shown[picked][:: -1 if self.view.native == "transverse" else 1]
        box = self._box(self.view.native)
        return [self._draw(self.view.native, int(index), box) for index in order]

    def reformats(self) -> list[Picture]:
        """The two planes across the acquired one, through the middle of the segments."""
        if not self.found.any():
            return []
        planes = [plane for plane in LETTERS if plane != self.view.native]
        return [self._draw(plane, self._middle(self.view.axis(plane)), self._box(plane)) for plane in planes]

    def _middle(self, axis: int) -> int:
        """Index with most voxels of segments; the middle of the volume where there are none."""
        across = tuple(other for other in range(3) if other != axis)
        counts = self.found.sum(axis=across)
        return int(counts.argmax()) if counts.any() else self.found.shape[axis] // 2

    def _box(self, plane: str) -> Box:
        """Rows and columns of the picture around all segments: a square with a margin and a least size."""
        flat = upright(np.logical_or.reduce(self.found, axis=self.view.axis(plane)), plane)
        sizes = self.view.pixel(plane)
        spans = [np.flatnonzero(flat.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
        longest = max(float(last - first + 1) * size for (first, last), size in zip(spans, sizes, strict=True))
        half_mm = max(longest / 2 + MARGIN_MM, SMALLEST_MM / 2)
        bounds = []
        for (first, last), size, count in zip(spans, sizes, flat.shape, strict=True):
            middle, half = float(first + last) / 2, half_mm / size
            bounds.append(slice(max(0, round(middle - half)), min(count, round(middle + half) + 1)))
        return bounds[0], bounds[1]

    def _draw(self, plane: str, index: int, box: Box | None, *, outlined: bool = True) -> Picture:
        box = box or (slice(None), slice(None))
        pixels = self.view.picture(self.image, plane, index)[box]
        marks = self.view.picture(self.labels, plane, index)[box]
        height_mm, width_mm = self.view.pixel(plane)
        size = (pixels.shape[1] * width_mm, pixels.shape[0] * height_mm)
        figure = Figure(figsize=tuple(PIXELS / DPI * edge / max(size) for edge in size), dpi=DPI, facecolor="black")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        extent = (0.0, size[0], size[1], 0.0)
        axes.imshow(
            pixels, cmap=self.window.colors, vmin=self.window.low, vmax=self.window.high, extent=extent, aspect="auto"
        )
        if outlined:
            across = (np.arange(pixels.shape[1]) + 0.5) * width_mm
            down = (np.arange(pixels.shape[0]) + 0.5) * height_mm
            for value, color in self.colors.items():
                if min(marks.shape) > 1 and (marks == value).any():
                    axes.contour(across, down, marks == value, levels=[INSIDE], colors=[color], linewidths=1.3)
        axes.set_xlim(0, size[0])
        axes.set_ylim(size[1], 0)
        _annotate(axes, size, LETTERS[plane])
        stream = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(stream, format="png", metadata={"Software": None})
        native = plane == self.view.native
        number = self.view.source_slice(index, self.found.shape[self.native]) if native else None
        return Picture(stream.getvalue(), plane, number, outlined)


def _annotate(axes: Axes, size: tuple[float, float], letters: str) -> None:
    """Directions at the edges and a bar of SCALE_BAR_MM in the corner."""
    edge = [Stroke(linewidth=2.5, foreground="black"), Normal()]
    style: dict[str, Any] = {"color": "white", "fontsize": 11, "fontweight": "bold", "path_effects": edge}
    inset = 0.02 * max(size)
    places = [
        (inset, size[1] / 2, "left", "center"),
        (size[0] - inset, size[1] / 2, "right", "center"),
        (size[0] / 2, inset, "center", "top"),
        (size[0] / 2, size[1] - inset, "center", "bottom"),
    ]
    for letter, (x, y, horizontal, vertical) in zip(letters, places, strict=True):
        axes.text(x, y, letter, ha=horizontal, va=vertical, **style)
    bar = ([inset * 2, inset * 2 + SCALE_BAR_MM], [size[1] - inset * 2] * 2)
    axes.plot(*bar, color="white", linewidth=2, path_effects=edge)
    axes.text(inset * 2, size[1] - inset * 3, f"{SCALE_BAR_MM:.0f} mm", va="bottom", **(style | {"fontsize": 9}))
