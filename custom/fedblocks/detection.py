"""Detection maps as the PI-CAI challenge defines them: lesion candidates that do not touch, one value each.

Bosma JS, Saha A, Hosseinzadeh M, Slootweg I, de Rooij M, Huisman H. Semisupervised learning with report-guided
pseudo labels for deep learning-based prostate cancer detection using biparametric MRI. Radiology: Artificial
Intelligence 5:e230031 (2023). Their program `report_guided_annotation` is the judge of this one in our tests.
"""

import numpy as np
from numpy.typing import NDArray

from fedblocks.components import components

MOST = 5  # candidates of a map
FACTOR = 2.5  # a candidate reaches down to its peak divided by this
FAINTEST = 0.01  # peaks below are no candidates
Map = NDArray[np.float32]


def detection_map(probability: Map, min_voxels: float = 10) -> Map:
    """Candidates of a probability map, "dynamic" threshold, version 2.

    The highest peak gives the first candidate: the part around it of all that is at least the peak / FACTOR. It is
    taken out, and the next peak is looked for in what is left; parts that touch an earlier candidate are dropped.

    Args:
        probability: [x, y, z], 0 to 1, of a lesion.
        min_voxels: parts of so many voxels or fewer are no candidates.

    Returns:
        [x, y, z], float32: each candidate holds the probability of its peak, all else 0.
    """
    padded = np.pad(np.asarray(probability, dtype=np.float32), 1)
    left, found = padded.ravel().copy(), np.zeros(padded.size, dtype=np.float32)
    around = np.array([np.ravel_multi_index(step, padded.shape) for step in np.ndindex(3, 3, 3)])
    around -= around[len(around) // 2]
    count = 0
    while count < MOST and (peak := left.max(initial=0)) >= FAINTEST:
        reached = left >= peak / np.float32(FACTOR)
        part = _best(left, reached.copy(), around, min_voxels)
        if not part.size:
            left[reached] = 0
            continue
        if not found[part[:, None] + around].any():
            found[part] = left[part].max()
            count += 1
        left[part] = 0
    inside = (slice(1, -1),) * 3
    return found.reshape(padded.shape)[inside].copy()


def _best(left: Map, reached: NDArray[np.bool_], around: NDArray[np.int64], min_voxels: float) -> NDArray[np.int64]:
    """Indices of the part with the highest peak among those of more than `min_voxels`; none where all are small."""
    while reached.any():
        part = _part(int(np.where(reached, left, 0).argmax()), reached, around)
        if part.size > min_voxels:
            return part
    return np.empty(0, dtype=np.int64)


def _part(start: int, reached: NDArray[np.bool_], around: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of all voxels of `reached` that are connected with `start`; they are taken out of it."""
    front = np.array([start])
    parts = []
    while front.size:
        reached[front] = False
        parts.append(front)
        near = (front[:, None] + around).ravel()
        front = np.unique(near[reached[near]])
    return np.concatenate(parts)


def checked_map(found: Map) -> Map:
    """Return a detection map that can be scored.

    Raises:
        ValueError: it holds values outside 0 to 1, or candidates that touch or have several values.
    """
    if found.ndim != 3 or not np.isfinite(found).all() or found.min(initial=0) < 0 or found.max(initial=0) > 1:
        raise ValueError("detection map must hold three axes and finite values from 0 to 1; make it by detection_map")
    numbered, count = components(found > 0)
    for number in range(1, count + 1):
        if len(np.unique(found[numbered == number])) > 1:
            raise ValueError(
                "each candidate of a detection map must hold one value and touch no other; make it by detection_map"
            )
    return found
