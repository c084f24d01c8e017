"""Seeded three-dimensional texture that can be looked up at any position."""

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block

SIDE = 64
CELL_MM = 0.9


class Texture:
    """Two periodic lattices of band-limited noise, mean 0, standard deviation 1, cells of 0.9 mm."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw both lattices from one white noise."""
        frequency = np.fft.fftfreq(SIDE)
        squares = frequency[:, None, None] ** 2 + frequency[:, None] ** 2 + frequency[: SIDE // 2 + 1] ** 2
        white = np.fft.rfftn(random.standard_normal((SIDE, SIDE, SIDE), dtype=np.float32))
        self._fine = self._filtered(white, squares, 0.16)
        self._coarse = self._filtered(white, squares, 0.045)

    @staticmethod
    def _filtered(white: NDArray[np.complexfloating], squares: NDArray[np.float64], cut: float) -> Array:
        noise = np.fft.irfftn(white * np.exp(-squares / cut**2).astype(np.float32), s=(SIDE,) * 3, axes=(0, 1, 2))
        noise -= noise.mean()
        return np.asarray(noise / noise.std(), np.float32).ravel()

    def fine(self, block: Block) -> Array:
        """Grain of about 2 mm at the voxels of a block, [sub-slice, row, column]."""
        return self._fine[self._cells(block, 1)]

    def coarse(self, block: Block, zoom: float = 1) -> Array:
        """Patches of about 8 mm / `zoom` at the voxels of a block; where it is 0, sheets run: septa, strands."""
        return self._coarse[self._cells(block, zoom)]

    @staticmethod
    def _cells(block: Block, zoom: float) -> NDArray[np.int32]:
        scale, shift = (zoom / CELL_MM), (SIDE * 1000)
        cells = np.zeros((), np.int32)
        for axis in (block.x, block.y, block.z):
            part = axis * scale
            part += shift
            cells = cells * np.int32(SIDE) + (part.astype(np.int32) & np.int32(SIDE - 1))
        return np.asarray(cells, np.int32)
