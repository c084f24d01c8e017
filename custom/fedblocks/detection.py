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
TRIES = 30  # parts that are looked at
Map = NDArray[np.float32]


def detection_map(probability: Map, min_voxels: float = 10) -> Map:
    """Candidates of a probability map, "dynamic" threshold, version 2.

    The highest peak gives the threshold, the peak / FACTOR; of the parts of what reaches it, the one with the highest
    peak among those that are large enough is the first candidate. It is taken out, and the next peak is looked for in
    what is left; parts that touch an earlier candidate are dropped. After TRIES parts the search ends: maps of noise,
    as an untrained network makes them, have thousands.

    Args:
        probability: [x, y, z], 0 to 1, of a lesion.
        min_voxels: parts of so many voxels or fewer are no candidates.

    Returns:
        [x, y, z], float32: each candidate holds the probability of its peak, all else 0.
    """
    left, found = np.array(probability, dtype=np.float32), np.zeros(np.shape(probability), dtype=np.float32)
    count = 0
    for _ in range(TRIES):
        peak = left.max(initial=0)
        if count == MOST or peak < FAINTEST:
            break
        reached = left >= peak / np.float32(FACTOR)
        box = _box(reached)
        part = _best(left[box], reached[box], min_voxels)
        if part is None:
            left[reached] = 0
            continue
        if not found[box][_grown(part)].any():
            found[box][part] = left[box][part].max()
            count += 1
        left[box][part] = 0
    return found


def _best(left: Map, reached: NDArray[np.bool_], min_voxels: float) -> NDArray[np.bool_] | None:
    """The part with the highest peak among those of more than `min_voxels`; None where all are small."""
    numbered, count = components(reached)
    large = np.bincount(numbered.ravel(), minlength=count + 1) > min_voxels
    large[0] = False
    if not large.any():
        return None
    return np.asarray(numbered == numbered.ravel()[np.where(large[numbered], left, 0).argmax()])


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds a mask, and a margin of one voxel."""
    spans = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(slice(max(int(span[0]) - 1, 0), int(span[-1]) + 2) for span in spans)


def _grown(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part and all voxels that touch it by a face, an edge or a corner."""
    grown = np.pad(part, 1)
    for axis in range(3):
        grown = grown | np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    return grown[1:-1, 1:-1, 1:-1]


def candidates(found: Map) -> tuple[NDArray[np.int32], list[float]]:
    """Candidates of a detection map that can be scored: their numbers from 1, [x, y, z], and the value of each.

    Raises:
        ValueError: the map holds values outside 0 to 1, or candidates that touch or have several values.
    """
    if found.ndim != 3 or not np.isfinite(found).all() or found.min(initial=0) < 0 or found.max(initial=0) > 1:
        raise ValueError("detection map must hold three axes and finite values from 0 to 1; make it by detection_map")
    numbered, count = components(found > 0)
    inside = numbered > 0
    highest, lowest = np.zeros(count + 1, dtype=np.float32), np.ones(count + 1, dtype=np.float32)
    np.maximum.at(highest, numbered[inside], found[inside])
    np.minimum.at(lowest, numbered[inside], found[inside])
    if (highest != lowest)[1:].any():
        raise ValueError(
            "each candidate of a detection map must hold one value and touch no other; make it by detection_map"
        )
    return numbered, [float(value) for value in highest[1:]]
