"""A small picture of a case with the outlines of its labels, as WebP without any metadata.

A volume has three planes: the acquired one, whole, and the two across it around the labels; each where most of the
labels are to be seen, and of such slices where they are largest.
Oblique volumes are turned to the nearest axes. A radiograph is one picture, as it is stored.
"""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from fedbundle.dicom.pixels.canonical import LETTERS, Canonical, upright
from fedbundle.site.qc.measure import Image

EDGE = 240  # pixels of the large tile and of a radiograph's height
SMALL = 119  # pixels of the two others
GAP = EDGE - 2 * SMALL
QUALITY = 70
LINE = 2  # pixels of an outline, which runs inside the label
WINDOW = (1.0, 99.7)  # percentiles that become black and white
MARGIN_MM = 15.0  # around the label
SMALLEST_MM = 70.0  # edge of a small tile

Grey = NDArray[np.uint8]
Window = tuple[float, float]


def draw(image: Image, mask: Image | None, colors: Mapping[int, str]) -> bytes:
    """WebP of an image, in radiological convention and with millimetres of one length.

    Args:
        image: to be shown.
        mask: label map of the case; outlined where it lies on the voxels of the image.
        colors: #rrggbb by label value.
    """
    fits = mask is not None and mask.array.shape == image.array.shape and np.allclose(mask.affine, image.affine)
    labels = np.asarray(mask.array) if mask is not None and fits else np.zeros(image.array.shape, np.uint8)
    window = _window(image.array)
    if image.flat:
        width, height, _ = image.spacing
        tile = _tile(image.array[0], labels[0], (height, width), (EDGE, EDGE + GAP + SMALL), window, colors)
        return _webp(tile)
    view = Canonical.of(image.affine)
    voxels, labels = view.turn(image.array), view.turn(labels)
    found = np.isin(labels, list(colors))
    tiles = []
    for plane in sorted(LETTERS, key=lambda plane: plane != view.native):
        axis = view.axis(plane)
        across = tuple(other for other in range(3) if other != axis)
        counts = np.array([(labels == value).sum(axis=across) for value in colors] or [found.sum(axis=across)])
        index = max(range(found.shape[axis]), key=lambda at: ((counts[:, at] > 0).sum(), counts[:, at].sum()))
        index = index if counts.any() else found.shape[axis] // 2
        whole = plane == view.native or not counts.any()
        box = (
            (slice(None), slice(None))
            if whole
            else _around(upright(np.logical_or.reduce(found, axis=axis), plane), view.pixel(plane))
        )
        shape = (EDGE, EDGE) if plane == view.native else (SMALL, SMALL)
        parts = (view.picture(voxels, plane, index)[box], view.picture(labels, plane, index)[box])
        tiles.append(_tile(*parts, view.pixel(plane), shape, window, colors))
    canvas = np.zeros((EDGE, EDGE + GAP + SMALL, 3), np.uint8)
    canvas[:, :EDGE], canvas[:SMALL, EDGE + GAP :], canvas[SMALL + GAP :, EDGE + GAP :] = tiles
    return _webp(canvas)


def _window(voxels: NDArray[np.generic]) -> Window:
    """What becomes black, and white of those that are not the darkest (air, padding)."""
    values = np.ravel(voxels)[::7].astype(np.float32)
    values = values[np.isfinite(values)]
    lit = values[values > values.min()] if values.size else values
    if not lit.size:
        return 0.0, 1.0
    low, high = float(np.percentile(values, WINDOW[0])), float(np.percentile(lit, WINDOW[1]))
    return low, high if high > low else low + 1.0


def _around(flat: NDArray[np.bool_], pixel: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns of a square around all labels, as far as the picture reaches."""
    spans = [np.flatnonzero(flat.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
    longest = max(float(last - first + 1) * size for (first, last), size in zip(spans, pixel, strict=True))
    half_mm = max(longest / 2 + MARGIN_MM, SMALLEST_MM / 2)
    bounds = []
    for (first, last), size, count in zip(spans, pixel, flat.shape, strict=True):
        middle, half = float(first + last) / 2, half_mm / size
        bounds.append(slice(max(0, round(middle - half)), min(count, round(middle + half) + 1)))
    return bounds[0], bounds[1]


def _tile(
    pixels: NDArray[np.generic],
    labels: NDArray[np.generic],
    pixel: tuple[float, float],
    shape: tuple[int, int],
    window: Window,
    colors: Mapping[int, str],
) -> Grey:
    """Picture [row, column, RGB] of a plane, as large as fits into `shape`, on black.

    Args:
        pixels: of the plane.
        labels: its label values.
        pixel: height and width of a pixel in mm.
        shape: rows and columns of the picture.
        window: values that become black and white.
        colors: #rrggbb by label value.
    """
    low, high = window
    size = [edge * mm for edge, mm in zip(pixels.shape, pixel, strict=True)]
    scale = min(edge / mm for edge, mm in zip(shape, size, strict=True))
    rows, columns = (max(1, min(edge, round(mm * scale))) for edge, mm in zip(shape, size, strict=True))
    values = np.nan_to_num(pixels.astype(np.float32), nan=low, posinf=high, neginf=low)
    grey = (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    resized = Pillow.fromarray(grey).resize((columns, rows), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    picture = np.repeat(np.asarray(resized)[..., np.newaxis], 3, axis=2)
    for value, color in colors.items():
        region = Pillow.fromarray((labels == value).astype(np.uint8)).resize((columns, rows), Pillow.Resampling.NEAREST)
        picture[_edge(np.asarray(region, dtype=bool))] = bytearray.fromhex(color[1:])
    canvas = np.zeros((*shape, 3), np.uint8)
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    canvas[top : top + rows, left : left + columns] = picture
    return canvas


def _edge(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a region that lie within LINE pixels of its outside."""
    inner = region
    for _ in range(LINE):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return region & ~inner


def _webp(picture: Grey) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(picture).save(stream, "WEBP", quality=QUALITY, method=4)
    return stream.getvalue()
