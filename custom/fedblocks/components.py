"""Connected components of a mask, in numpy alone."""

import numpy as np
from numpy.typing import NDArray

LINES = [(0, 1), (1, -1), (1, 0), (1, 1)]  # one of each pair of opposite neighbours of a line along the last axis


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the parts of a mask whose voxels touch by a face, an edge or a corner.

    Runs of voxels along the last axis are joined: each takes the lowest number among those that it touches, and then
    that of the run it points to, until nothing changes.

    Args:
        mask: [x, y, z].

    Returns:
        Numbers from 1 in the order of their first voxel, 0 outside, on the same grid; and how many there are.
    """
    padded = np.pad(mask, 1)
    inside = np.flatnonzero(padded)
    numbered = np.zeros(padded.size, dtype=np.int32)
    if inside.size:
        run = np.full(padded.size, -1, dtype=np.int64)
        run[inside] = (
            np.cumsum(np.diff(inside, prepend=-1) > 1) - 1
        )  # the border is empty, so a first run is never at 0
        lowest = _joined(int(run[inside[-1]]) + 1, *_touching(run, inside, padded.shape))
        _, which = np.unique(lowest, return_inverse=True)
        numbered[inside] = which[run[inside]] + 1
    return numbered.reshape(padded.shape)[1:-1, 1:-1, 1:-1], int(numbered.max(initial=0))


def _touching(run: NDArray[np.int64], inside: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Pairs of runs [2, pair] on neighbouring lines that touch, each pair a few times at most."""
    steps = np.array([(x * shape[1] + y) * shape[2] + along for x, y in LINES for along in (-1, 0, 1)])
    other = run[inside + steps[:, None]]  # [step, voxel]
    own = np.broadcast_to(run[inside], other.shape)
    new = other >= 0
    new[:, 1:] &= (own[:, 1:] != own[:, :-1]) | (other[:, 1:] != other[:, :-1])  # not where two runs go on side by side
    return np.stack([own[new], other[new]])


def _joined(runs: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lowest number of a run in the part of each run."""
    lowest = np.arange(runs)
    while True:
        before = lowest.copy()
        least = np.minimum(lowest[one], lowest[other])
        for end in (one, other):
            np.minimum.at(lowest, lowest[end], least)  # whom a run points to follows too
            np.minimum.at(lowest, end, least)
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            return lowest
