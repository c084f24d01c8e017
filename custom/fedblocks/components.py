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
    begins = padded & ~np.roll(padded, 1, axis=2)
    run = np.where(padded, np.cumsum(begins).reshape(padded.shape) - 1, -1)
    one, other = np.concatenate([_touching(run, step) for step in LINES], axis=1)
    lowest = np.arange(int(begins.sum()))
    while True:
        before = lowest.copy()
        least = np.minimum(lowest[one], lowest[other])
        for end in (one, other):
            np.minimum.at(lowest, lowest[end], least)  # whom a run points to follows too
            np.minimum.at(lowest, end, least)
        lowest = lowest[lowest]
        if np.array_equal(lowest, before):
            break
    firsts, which = np.unique(lowest, return_inverse=True)
    inside = run[1:-1, 1:-1, 1:-1]
    return np.append(which + 1, 0)[inside].astype(np.int32), len(firsts)


def _touching(run: NDArray[np.int64], step: tuple[int, int]) -> NDArray[np.int64]:
    """Pairs of runs [2, pair] on lines that are one step apart, each pair about once."""
    there = np.roll(run, (-step[0], -step[1]), axis=(0, 1))  # the border is empty, so nothing comes round
    found = []
    for along in (-1, 0, 1):
        pair = np.stack([run.ravel(), np.roll(there, along, axis=2).ravel()])
        pair = pair[:, (pair >= 0).all(axis=0)]
        found.append(pair[:, np.insert((np.diff(pair) != 0).any(axis=0), 0, True)] if pair.size else pair)
    return np.concatenate(found, axis=1)
