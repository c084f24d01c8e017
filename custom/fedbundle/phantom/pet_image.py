"""Positron emission tomography: uptake on fine voxels, the scanner's point spread, coarse voxels, noise."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Grid

FINE = 2
"""Fine voxels per voxel and axis, on which uptake is painted."""
FWHM = 2 * sqrt(2 * log(2))
"""Full width at half maximum of a Gaussian of standard deviation 1."""


@dataclass(frozen=True)
class PetScan:
    """What forms the image: detectors and reconstruction, counts."""

    resolution_mm: float
    """Full width at half maximum of the point spread, with that of the reconstruction's filter."""
    noise: float
    """Standard deviation of a voxel in SUV where the SUV is 1; it grows with the root of the SUV (counts)."""
    grain: float = 0.6
    """Standard deviation, in voxels, of the filter that makes noise of neighbours alike."""


def fine_grid(grid: Grid) -> Grid:
    """The grid with FINE times as many voxels along each axis, over the same volume."""
    affine = grid.affine.copy()
    affine[:3, :3] /= FINE
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, (FINE - 1) / 2)
    levels, rows, columns = (size * FINE for size in grid.shape)
    return Grid((levels, rows, columns), affine, grid.thickness_mm / FINE)


def measured(uptake: Array, grid: Grid, scan: PetScan, random: np.random.Generator) -> Array:
    """SUV that the scanner shows.

    Args:
        uptake: SUV [slice, row, column] on `fine_grid(grid)`.
        grid: of the image.
        scan: resolution and noise.
        random: of the noise.

    Returns:
        float32 [slice, row, column] on `grid`; not negative, as iterative reconstruction gives it.
    """
    steps = np.linalg.norm(grid.affine[:3, :3], axis=0)[::-1]
    image = uptake
    for axis, (size, step) in enumerate(zip(grid.shape, steps, strict=True)):
        image = _along(image, axis, _spread(size, scan.resolution_mm / FWHM / step))
    grain = random.standard_normal(grid.shape, dtype=np.float32)
    for axis, size in enumerate(grid.shape):
        kernel = _gaussian(np.subtract.outer(np.arange(size), np.arange(size)), scan.grain)
        grain = _along(grain, axis, kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True)))
    return np.asarray(np.maximum(image + scan.noise * np.sqrt(np.maximum(image, 0)) * grain, 0), np.float32)


def _spread(size: int, deviation: float) -> NDArray[np.float64]:
    """[voxel, fine voxel]: blur by `deviation` voxels, and the mean over each voxel; the ends go on as they are."""
    fine = (np.arange(size * FINE) + 0.5) / FINE - 0.5
    beyond = int(np.ceil(4 * deviation * FINE)) + FINE
    padded = (np.arange(-beyond, size * FINE + beyond) + 0.5) / FINE - 0.5
    parts = (np.arange(FINE) + 0.5) / FINE - 0.5
    centres = (np.arange(size)[:, None] + parts).ravel()
    weights = _gaussian(np.subtract.outer(centres, padded), deviation).reshape(size, FINE, -1).mean(axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    inside = weights[:, beyond : beyond + fine.size].copy()
    inside[:, 0] += weights[:, :beyond].sum(axis=1)
    inside[:, -1] += weights[:, beyond + fine.size :].sum(axis=1)
    return np.asarray(inside)


def _gaussian(distance: NDArray[np.float64] | NDArray[np.int64], deviation: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * (distance / deviation) ** 2))


def _along(image: Array, axis: int, matrix: NDArray[np.float64]) -> Array:
    """`matrix` applied to one axis of the image."""
    return np.asarray(np.moveaxis(np.tensordot(matrix.astype(np.float32), image, axes=(1, axis)), 0, axis), np.float32)
