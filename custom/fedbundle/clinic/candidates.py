"""The candidates of a detection map: one connected part each, of one score.

Detection map as the PI-CAI challenge defines it: 0 outside, candidates that do not touch, one value in (0, 1] each. The
score of the patient is the highest of them (Saha et al., Lancet Oncol 25:879, 2024).
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import PredictionError

MOST = 255  # candidates: values of a label map
SCORE_TOLERANCE = 1e-5  # a map may have gone through float32


@dataclass(frozen=True)
class Candidate:
    """One part of a detection map."""

    number: int  # by falling score, from 1; its value in the label map
    score: float
    volume_ml: float  # number of voxels times their size
    diameter_mm: float  # largest distance between two voxel centres
    slices: tuple[int, ...]  # indices of those that show it
    middle: int  # index of the slice with most of it


def candidates(
    found: NDArray[np.float32], volume: Volume, report_from: float
) -> tuple[NDArray[np.uint8], list[Candidate], list[float]]:
    """Label map of the candidates, what each is like, and the scores of those that are too weak to be told.

    Args:
        found: detection map [slice, row, column] on the grid of `volume`.
        volume: the image.
        report_from: least score of a candidate that is drawn and measured.

    Raises:
        PredictionError: it is no detection map.
    """
    if found.min() < 0 or found.max() > 1 + SCORE_TOLERANCE:
        raise _no_map(f"values {found.min():g} to {found.max():g}")
    mask = sitk.GetImageFromArray((found > 0).astype(np.uint8))
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(mask, True))  # a corner in common makes one part
    count = int(parts.max())
    if count > MOST:
        raise _no_map(f"{count} parts")
    scores = []
    for part in range(1, count + 1):
        values = found[parts == part]
        if np.ptp(values) > SCORE_TOLERANCE:
            raise _no_map("a part of several values")
        scores.append(min(1.0, float(values.max())))
    order = sorted(range(count), key=lambda part: -scores[part])
    labels = np.zeros(found.shape, np.uint8)
    told: list[Candidate] = []
    for part in (part for part in order if scores[part] >= report_from):
        labels[parts == part + 1] = number = len(told) + 1
        told.append(_measured(number, scores[part], labels == number, volume.affine))
    return labels, told, [scores[part] for part in order[len(told) :]]


def _no_map(got: str) -> PredictionError:
    return PredictionError(
        f"detection map of the bundle must hold up to {MOST} parts of one value in 0 to 1 each, got {got}; "
        "mend its inference.json"
    )


def _measured(number: int, score: float, mask: NDArray[np.bool_], affine: Array) -> Candidate:
    voxel_ml = abs(float(np.linalg.det(affine[:3, :3]))) / 1000
    area = mask.sum(axis=(1, 2))
    return Candidate(
        number,
        score,
        int(mask.sum()) * voxel_ml,
        largest_diameter_mm(mask, affine),
        tuple(np.flatnonzero(area).tolist()),
        int(area.argmax()),
    )


def largest_diameter_mm(mask: NDArray[np.bool_], affine: Array) -> float:
    """Largest distance in mm between the centres of two voxels of a mask [slice, row, column] that holds some.

    Of each row only its first and last voxel can be an end of the largest diameter.
    """
    slices, rows = np.nonzero(mask.any(axis=2))
    lines = mask[slices, rows]
    ends = (lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1))
    places = np.concatenate([np.stack([columns, rows, slices], axis=1) for columns in ends]) @ affine[:3, :3].T
    return float(max(np.linalg.norm(places - place, axis=1).max() for place in places))
