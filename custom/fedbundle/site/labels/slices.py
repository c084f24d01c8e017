"""Slices that a structure was drawn on: a comb means that it was drawn on a coarser image."""

from itertools import pairwise


def comb(slices: set[int]) -> int:
    """Distance of neighbouring slices when three or more lie equally far apart and leave slices out; 0 otherwise."""
    order = sorted(slices)
    gaps = {after - before for before, after in pairwise(order)}
    return gaps.pop() if len(order) > 2 and len(gaps) == 1 and gaps != {1} else 0
