"""Volumes of segments, and what about them a person should look at twice."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import SegmentationOut

SCATTERED = 0.9  # a segment whose largest part holds less than this share is told to be in parts


@dataclass(frozen=True)
class Measured:
    """One segment, or all together."""

    label: str
    color: str  # "" for all together
    volume_ml: float  # number of voxels times their size; no partial volume
    voxels: int
    slices: int  # acquired slices that show it


def measure(
    volume: Volume, labels: NDArray[np.uint8], wanted: SegmentationOut
) -> tuple[list[Measured], Measured | None]:
    """Each segment, and all together where the bundle names that.

    Args:
        volume: the image.
        labels: [slice, row, column] on its grid.
        wanted: what the values mean.
    """
    voxel_ml = abs(float(np.linalg.det(volume.affine[:3, :3]))) / 1000

    def of(label: str, color: str, mask: NDArray[np.bool_]) -> Measured:
        count = int(mask.sum())
        return Measured(label, color, count * voxel_ml, count, int(mask.any(axis=(1, 2)).sum()))

    segments = [of(segment.label, segment.color, labels == segment.value) for segment in wanted.labelled.segments]
    values = [segment.value for segment in wanted.labelled.segments]
    return segments, of(wanted.total, "", np.isin(labels, values)) if wanted.total else None


def doubts(volume: Volume, labels: NDArray[np.uint8], wanted: SegmentationOut) -> list[str]:
    """Sentences for the reader; an empty list is no proof that the segmentation is right."""
    segments, total = measure(volume, labels, wanted)
    told = [f"No {segment.label.lower()} was found." for segment in segments if not segment.voxels]
    for segment, measured in zip(wanted.labelled.segments, segments, strict=True):
        mask = labels == segment.value
        if measured.voxels:
            told += edges(segment.label, mask)
            told += _parts(segment.label, mask)
    if total and total.voxels and wanted.plausible_ml:
        low, high = wanted.plausible_ml
        if not low <= total.volume_ml <= high:
            told.append(f"{total.label}: {total.volume_ml:.1f} mL is outside the usual {low:g} to {high:g} mL.")
    return told


def edges(label: str, mask: NDArray[np.bool_]) -> list[str]:
    """What to say of a mask [slice, row, column] that reaches the end of the images."""
    if mask[[0, -1]].any():
        return [f"{label} reaches the first or last slice: part of it may lie outside the images."]
    if mask[:, [0, -1]].any() or mask[:, :, [0, -1]].any():
        return [f"{label} reaches the edge of the images."]
    return []


def _parts(label: str, mask: NDArray[np.bool_]) -> list[str]:
    """Parts that touch by a face, an edge or a corner are one."""
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    sizes = np.bincount(parts.ravel())[1:]
    if sizes.max() >= SCATTERED * sizes.sum():
        return []
    return [f"{label} is in {len(sizes)} separate parts; the largest holds {sizes.max() / sizes.sum():.0%} of it."]
