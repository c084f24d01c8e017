"""Whether MR slices of a head show its skull: bone gives no signal, so it is a dark shell below a bright scalp.

A skull-stripped brain begins with cortex, and its sulci darken about the same part of every depth. So the
two are told apart by how much darker a 3 mm shell is than one above it; what was measured stands in
docs/reference/ingest-rules.md.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

SKULL_FROM = 0.2  # share of dark voxels
SHELLS_MM = tuple(range(3, 24, 3))  # where shells begin, below the surface; the skin and partial volume are left out
WIDTH_MM = 3.0
INNER_MM = 27.0  # what lies deeper is the inside, by which dark is judged
DARK = 0.35  # of the median of the inside
FOREGROUND = 0.1  # of the 99th percentile
LEAST_SHARE = 0.05  # of a slice that the head must fill
CLOSED_MM = 6.0  # gaps of this width in the outline are closed


def dark_shell(array: NDArray[np.generic], spacing_mm: Sequence[float]) -> float | None:
    """Share of dark voxels in a shell of the head less that of a shell above it, at most; of its middle slices.

    Args:
        array: [slice, row, column] of a head in MR.
        spacing_mm: between columns, rows and slices.

    Returns:
        0 to 1; None where no slice shows a head.
    """
    values = np.asarray(array, np.float32)
    bright = values > FOREGROUND * float(np.percentile(values[values > values.min()], 99)) if np.ptp(values) else None
    if bright is None:
        return None
    shown = np.flatnonzero(bright.reshape(len(bright), -1).mean(axis=1) > LEAST_SHARE)
    middle = shown[len(shown) // 3 : 2 * len(shown) // 3 + 1]
    found = [shares for number in middle for shares in _shares(values[number], bright[number], spacing_mm)]
    if not found:
        return None
    dark = np.mean(found, axis=0)
    return float((dark - np.minimum.accumulate(dark)).max())


def _shares(
    image: NDArray[np.float32], bright: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> Iterator[list[float]]:
    """Share of dark voxels in each shell of one slice; nothing where the slice has no inside."""
    depth = _depth(bright, spacing_mm)
    inside = image[depth > INNER_MM]
    if inside.size:
        dark = image < DARK * float(np.median(inside))
        shells = [(depth > start) & (depth <= start + WIDTH_MM) for start in SHELLS_MM]
        yield [float(dark[shell].mean()) if shell.any() else 0.0 for shell in shells]


def _depth(bright: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.float32]:
    """Depth of each voxel below the outline of the head, mm; 0 outside."""
    mask = sitk.GetImageFromArray(np.pad(bright, 1).astype(np.uint8))
    mask.SetSpacing((float(spacing_mm[0]), float(spacing_mm[1])))
    reach = [max(1, round(CLOSED_MM / 2 / float(size))) for size in spacing_mm[:2]]
    closed = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(mask, reach))
    apart = sitk.SignedMaurerDistanceMap(closed, insideIsPositive=True, squaredDistance=False, useImageSpacing=True)
    return np.asarray(np.maximum(sitk.GetArrayFromImage(apart), 0)[1:-1, 1:-1], np.float32)
