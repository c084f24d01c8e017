"""Diffusion-weighted MR: signal of a tissue over b, the ADC that a scanner fits, the image it computes, distortion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array

BLOOD = 0.015
"""Pseudo-diffusion of blood in capillaries, mm2/s."""
TO_SCALE = 1e6
"""ADC maps hold 1e-6 mm2/s."""


@dataclass(frozen=True)
class Mobility:
    """How water moves in a tissue.

    Signal over b, relative to b = 0, with D in mm2/s:
        (1 - f) * exp(-b D + (b D)^2 K / 6) + f * exp(-b BLOOD)
    Kurtosis after Jensen JH et al., MRM 53:1432 (2005); perfusion after Le Bihan D et al., Radiology 168:497 (1988).
    So the ADC that a scanner fits hangs on the b-values that it measures: lower with higher ones, higher with b = 0.
    """

    diffusivity: float
    """D, in 1e-6 mm2/s."""
    kurtosis: float
    """K; about 0.6 in the peripheral zone, 1 in cancer (Rosenkrantz AB et al., Radiology 264:126, 2012)."""
    perfusion: float
    """f, 0..1."""

    def left(self, b: float) -> float:
        """Share of the signal that is left at a b-value in s/mm2."""
        d = self.diffusivity / TO_SCALE
        exponent = b * d
        if self.kurtosis > 0:
            exponent = min(exponent, 3 / self.kurtosis)  # beyond it the expansion would rise again
        slow = np.exp(-exponent + exponent**2 * self.kurtosis / 6)
        return float((1 - self.perfusion) * slow + self.perfusion * np.exp(-b * BLOOD))


def fitted(images: Array, b_values: Sequence[float], floor: float) -> tuple[Array, Array]:
    """Straight line through the logarithm of the signal over b, by least squares, as scanners fit ADC.

    Args:
        images: [b-value, slice, row, column], magnitude, in any scale.
        b_values: s/mm2, two at least.
        floor: signal of the first image below which a voxel is noise and gets ADC 0.

    Returns:
        Signal at b = 0 and ADC in 1e-6 mm2/s, each [slice, row, column], not negative.
    """
    b = np.asarray(b_values, np.float32)
    logs = np.log(np.maximum(images, 1e-6))
    weights = (b - b.mean()) / ((b - b.mean()) ** 2).sum()
    slope = -np.tensordot(weights, logs, axes=1)
    start = np.exp(logs.mean(axis=0) + slope * b.mean())
    adc = np.clip(slope * TO_SCALE, 0, 4000)
    return np.asarray(start, np.float32), np.asarray(np.where(images[0] < floor, 0, adc), np.float32)


def calculated(start: Array, adc: Array, b: float) -> Array:
    """The image of a b-value that was not measured, from signal at b = 0 and ADC in 1e-6 mm2/s."""
    return np.asarray(np.where(adc > 0, start * np.exp(-b / TO_SCALE * adc), 0), np.float32)


def distorted(images: Array, shift: Array) -> Array:
    """Echo-planar images whose signal lies `shift` pixels further along the rows' axis, with the density kept.

    Args:
        images: [.., row, column].
        shift: [slice, row, column] in rows; the phase is encoded from front to back. Smooth, gradient above -1.
    """
    rows = images.shape[-2]
    source = np.arange(rows, dtype=np.float32)[:, None] - shift
    low: NDArray[np.int64] = np.clip(np.floor(source), 0, rows - 2).astype(np.int64)
    part = np.clip(source - low, 0, 1)
    where = np.broadcast_to(low, images.shape)
    first = np.take_along_axis(images, where, axis=-2)
    second = np.take_along_axis(images, where + 1, axis=-2)
    density = np.gradient(source, axis=-2)
    return np.asarray((first + part * (second - first)) * density, np.float32)
