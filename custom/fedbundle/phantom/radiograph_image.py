"""Radiographic image formation: attenuation along rays, scatter, quanta, blur, and the vendor's grey scale."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block
from fedbundle.phantom.radiograph_beam import Beam, Window

ENERGIES_KEV = (40, 50, 60, 80)
SPECTRUM = (0.12, 0.33, 0.33, 0.22)
"""Share of the detected energy without a patient, of a tube at about 80 kV with 3 mm of aluminium."""
COEFFICIENTS: Mapping[str, tuple[float, float, float, float]] = {
    "soft": (0.2688, 0.2264, 0.2048, 0.1823),
    "fat": (0.2396, 0.2123, 0.1974, 0.1800),
    "bone": (0.6655, 0.4242, 0.3148, 0.2229),
    "titanium": (2.214, 1.213, 0.7661, 0.4052),
    "steel": (3.629, 1.958, 1.205, 0.5952),
}
"""Mass attenuation in cm2/g at those energies: soft, adipose, cortical bone (ICRU 44), Ti, Fe (NISTIR 5632)."""
DENSITY = {"soft": 1.06, "fat": 0.95, "bone": 1.92, "titanium": 4.5, "steel": 7.9}
"""g/cm3."""


class Film:
    """What each ray crosses, g/cm2 by material, [row, column]."""

    def __init__(self, beam: Beam) -> None:
        """Nothing but air."""
        self.beam = beam
        self.mass: dict[str, Array] = {name: np.zeros((beam.rows, beam.columns), np.float32) for name in COEFFICIENTS}

    def add_block(self, material: str, block: Block, density: Array, step_mm: float) -> None:
        """Add the densities [plane, row, column], g/cm3, at the points of a block."""
        window = block.index[1:]
        self.mass[material][window] += density.sum(axis=0) * (step_mm / 10) * self.beam.slant[window]

    def add_path(self, material: str, window: Window, path_mm: Array, share: float = 1) -> None:
        """Add the lengths [row, column] in mm that the rays of a window run through a material."""
        self.mass[material][window] += path_mm * (share * DENSITY[material] / 10)

    def primary(self) -> Array:
        """Energy that passes without scatter, relative to a film without patient (Beer and Lambert)."""
        passed = np.zeros_like(self.mass["soft"])
        present = [name for name, mass in self.mass.items() if mass.any()]
        for energy, share in enumerate(SPECTRUM):
            exponent = np.zeros_like(passed)
            for name in present:
                exponent -= self.mass[name] * np.float32(COEFFICIENTS[name][energy])
            passed += np.float32(share) * np.exp(exponent)
        return passed


@dataclass(frozen=True)
class Exposure:
    """How the rays become a signal."""

    quanta: float
    """Detected in a pixel behind the middle of the patient, noise of the detector counted in; the noise goes with its
    inverse root."""
    scatter: float
    """Scatter to primary behind the grid."""
    focus_blur_mm: float
    """Standard deviation at the detector: focal spot and movement; before the noise."""
    detector_blur_mm: float
    """Standard deviation of the read-out, which smooths the noise as well; large with storage phosphors."""


@dataclass(frozen=True)
class Processing:
    """The grey scale that a vendor makes of the signal."""

    latitude: float
    """Range of the natural logarithm of the signal that the slope in the middle would spread from black to white."""
    middle: float
    """Grey, 0..1, of the median of the patient."""
    edge: float = 0.0
    """Strength of the unsharp mask."""
    edge_mm: float = 4.0
    """Its standard deviation, at the detector."""
    equalise: float = field(default=0.0)
    """Share of the coarse differences of brightness that is taken out, 0..1."""


def signal(film: Film, exposure: Exposure, random: np.random.Generator) -> Array:
    """Detected energy [row, column], median of the patient = 1, with scatter, blur and noise."""
    pixel = film.beam.pixel_mm
    passed = film.primary()
    inside = passed < 0.5
    passed /= np.float32(np.median(passed[inside]) if inside.any() else 1)
    np.clip(passed, None, 30, out=passed)  # the detector's own end
    energy = smooth(passed, exposure.focus_blur_mm / pixel)
    energy += np.float32(exposure.scatter) * _scattered(passed, 45 / pixel)
    noise = random.standard_normal(energy.shape, dtype=np.float32)
    noise *= np.sqrt(energy / np.float32(exposure.quanta))
    energy += noise
    return smooth(np.clip(energy, 1e-3, None), exposure.detector_blur_mm / pixel)


def grey(energy: Array, pixel_mm: float, processing: Processing) -> Array:
    """P-Values [row, column], 0 black .. 1 white; what absorbs much is white.

    The logarithm of the signal runs through an S-curve about the median of the patient.
    """
    absorbed = -np.log(energy)
    if processing.equalise:
        absorbed -= np.float32(processing.equalise) * _coarse(np.clip(absorbed, -1.2, 2.5), 40 / pixel_mm)
    if processing.edge:
        absorbed += np.float32(processing.edge) * (absorbed - smooth(absorbed, processing.edge_mm / pixel_mm))
    slope = 4 / processing.latitude
    start = np.log(processing.middle / (1 - processing.middle))
    return np.asarray(1 / (1 + np.exp(-(absorbed * np.float32(slope) + np.float32(start)))), np.float32)


def smooth(image: Array, deviation: float) -> Array:
    """Gaussian blur, `deviation` in pixels; what lies beyond the border is as the border."""
    if deviation < 0.2:
        return image
    blurred = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(image), deviation)
    return np.asarray(sitk.GetArrayFromImage(blurred), np.float32)


def _scattered(passed: Array, deviation: float) -> Array:
    """What leaves the thick parts of the patient in all directions: no more of it in air than beside."""
    return _coarse(np.clip(passed, None, 2.0), deviation)


def _coarse(image: Array, deviation: float) -> Array:
    """A wide Gaussian blur, on every fourth pixel."""
    small = smooth(np.ascontiguousarray(image[::4, ::4]), deviation / 4)
    rows, columns = (
        np.clip(np.arange(size) / 4, 0, end - 1) for size, end in zip(image.shape, small.shape, strict=True)
    )
    return _interpolated(small, rows, columns)


def _interpolated(small: Array, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Array:
    """Bilinear: rows first, then columns."""
    for axis, places in ((0, rows), (1, columns)):
        first = np.minimum(places.astype(np.int64), small.shape[axis] - 2)
        share = (places - first).astype(np.float32)
        share = share[:, None] if axis == 0 else share
        small = small.take(first, axis) * (1 - share) + small.take(first + 1, axis) * share
    return small
