"""Which candidates of a detection map hit a true lesion, by the rule of the PI-CAI challenge."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedblocks.components import components
from fedblocks.detection import Map, candidates

LEAST_IOU = 0.10
TINY = 1e-8  # as in picai_eval, so that the same candidates hit


@dataclass(frozen=True)
class Found:
    """Candidates of one map against the true lesions."""

    lesions: int  # true ones
    candidates: tuple[tuple[float, bool], ...]  # confidence, hit; without those that also overlap a lesion already hit


def compare(found: Map, truth: NDArray[Any]) -> Found:
    """Match candidates with lesions one to one: as many as possible, then with the greatest overlap.

    A candidate may hit where its intersection over union with the lesion is at least LEAST_IOU. One that could hit but
    has its lesion taken by another counts neither as a hit nor as a false alarm.

    Args:
        found: detection map [x, y, z].
        truth: label on the same grid; voxels above 0 are lesion, parts that do not touch are lesions of their own.

    Raises:
        ValueError: no detection map, or another grid.
    """
    if found.shape != truth.shape:
        raise ValueError(f"detection map must lie on the grid of the label {truth.shape}, got {found.shape}")
    numbered, confidences = candidates(found)
    lesion, lesions = components(truth > 0)
    count = len(confidences)
    pairs = np.zeros((count + 1, lesions + 1), dtype=np.int64)
    np.add.at(pairs, (numbered.ravel(), lesion.ravel()), 1)
    overlaps = pairs[1:, 1:]
    union = pairs.sum(axis=1)[1:, None] + pairs.sum(axis=0)[None, 1:] - overlaps
    iou = (overlaps + TINY) / (union + TINY)
    gain = np.where(iou >= LEAST_IOU, iou + 1, 0.0)
    hits = _matched(gain)
    kept = [number for number in range(count) if number in hits or not gain[number].any()]
    return Found(lesions, tuple((confidences[number], number in hits) for number in kept))


def _matched(gain: NDArray[np.float64]) -> frozenset[int]:
    """Candidates of the assignment with the greatest sum of gains; [candidate, lesion], 0 where there can be none."""

    @cache
    def best(candidate: int, free: frozenset[int]) -> tuple[float, frozenset[int]]:
        if candidate == len(gain):
            return 0.0, frozenset()
        options = [best(candidate + 1, free)]
        for lesion in np.nonzero(gain[candidate])[0]:
            if lesion in free:
                total, others = best(candidate + 1, free - {lesion})
                options.append((total + float(gain[candidate, lesion]), others | {candidate}))
        return max(options, key=lambda option: option[0])

    return best(0, frozenset(range(gain.shape[1])))[1]
