"""Seeded three-dimensional texture that can be looked up at any position."""

import numpy as np

from fedbundle.phantom.canvas import Array

SIDE = 64


class Texture:
    """Periodic band-limited noise of mean 0 and standard deviation 1 on a lattice of 64 cells a side."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw the lattice; its correlation length is about 2.5 cells."""
        frequency = np.fft.fftfreq(SIDE)
        radius = np.sqrt(frequency[:, None, None] ** 2 + frequency[:, None] ** 2 + frequency[: SIDE // 2 + 1] ** 2)
        white = np.fft.rfftn(random.standard_normal((SIDE, SIDE, SIDE), dtype=np.float32))
        noise = np.fft.irfftn(white * np.exp(-((radius / 0.16) ** 2)), s=(SIDE, SIDE, SIDE), axes=(0, 1, 2))
        noise -= noise.mean()
        self._lattice: Array = (noise / noise.std()).astype(np.float32).ravel()

    def at(self, x: Array, y: Array, z: Array, cell_mm: float) -> Array:
        """Value at positions in mm, nearest lattice cell; features are about 2.5 * `cell_mm` wide."""
        scale = np.float32(1 / cell_mm)
        shift = np.float32(SIDE * 1000)
        i, j, k = ((axis * scale + shift).astype(np.int32) & (SIDE - 1) for axis in (x, y, z))
        return self._lattice[(i * SIDE + j) * SIDE + k]
