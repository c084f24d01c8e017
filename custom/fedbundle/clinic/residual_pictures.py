"""PNG pictures of an anomaly map: the image, what was restored of it, and the signed residual, slice by slice."""

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fedbundle.clinic.pictures import DPI, Window
from fedbundle.dicom.pixels.canonical import Canonical
from fedbundle.dicom.pixels.volume import Volume

SLICES = 6
PIXELS = 300  # width of one of three pictures
DIVERGING = "RdBu_r"  # bright residuals red, dark ones blue; told apart by the colour-blind
FULL = 0.6  # residual at which the colour is full; 1 = 99th percentile of the brain


@dataclass(frozen=True, eq=False)
class Maps:
    """What is drawn, all [slice, row, column] on one grid."""

    reconstruction: NDArray[np.float32]
    signed: NDArray[np.float32]  # bright above 0, dark below
    labels: NDArray[np.uint8]  # 1 bright and 2 dark above the thresholds


@dataclass(frozen=True)
class Triple:
    """One slice: image, reconstruction and residual side by side in one PNG."""

    png: bytes
    plane: str
    number: int  # of the source slice


def triples(volume: Volume, maps: Maps, colors: dict[int, str]) -> list[Triple]:
    """Slices spread over the brain, from head to feet, one of them with most above the thresholds."""
    view = Canonical.of(volume.affine)
    image, restored = view.turn(volume.array), view.turn(maps.reconstruction)
    signed, labels = view.turn(maps.signed), view.turn(maps.labels)
    axis = view.axis(view.native)
    across = tuple(other for other in range(3) if other != axis)
    brain = np.flatnonzero((restored > 0).any(axis=across))
    if not brain.size:
        return []
    spread = np.linspace(brain[0], brain[-1], SLICES + 2).round().astype(int)[1:-1]
    most = (labels > 0).sum(axis=across)
    shown = sorted({*spread.tolist(), *([int(most.argmax())] if most.any() else [])}, reverse=True)
    window, height_width = Window.of(volume), view.pixel(view.native)
    drawn = []
    for index in shown:
        planes = [view.picture(each, view.native, index) for each in (image, restored, signed, labels)]
        png = _png(planes, height_width, window, colors)
        drawn.append(Triple(png, view.native, view.source_slice(index, image.shape[axis])))
    return drawn


def _png(
    planes: list[NDArray[np.generic]], pixel_mm: tuple[float, float], window: Window, colors: dict[int, str]
) -> bytes:
    rows, columns = planes[0].shape
    height, width = rows * pixel_mm[0], columns * pixel_mm[1]
    figure = Figure(figsize=(3 * PIXELS / DPI, PIXELS / DPI * height / width), dpi=DPI, facecolor="black")
    windows = [(window.low, window.high, "gray"), (0.0, 1.0, "gray"), (-FULL, FULL, DIVERGING)]
    for place, (pixels, (low, high, map_name)) in enumerate(zip(planes[:3], windows, strict=True)):
        axes = figure.add_axes((place / 3, 0.0, 1 / 3, 1.0))
        axes.set_axis_off()
        axes.imshow(pixels, cmap=map_name, vmin=low, vmax=high, extent=(0, width, height, 0), aspect="auto")
        if place != 1:
            _outline(axes, planes[3], pixel_mm, colors)
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _outline(axes: Axes, labels: NDArray[np.generic], pixel_mm: tuple[float, float], colors: dict[int, str]) -> None:
    across = (np.arange(labels.shape[1]) + 0.5) * pixel_mm[1]
    down = (np.arange(labels.shape[0]) + 0.5) * pixel_mm[0]
    for value, color in colors.items():
        if (labels == value).any():
            axes.contour(across, down, labels == value, levels=[0.5], colors=[color], linewidths=1.0)
