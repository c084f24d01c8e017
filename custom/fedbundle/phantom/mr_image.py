"""Magnetic resonance image formation: tissue signal, receive field, k-space, noise, quantisation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array


@dataclass(frozen=True)
class Tissue:
    """Proton density relative to water, T1 and T2 in ms at 3 T.

    T2 of fat is the effective one of a long echo train, where fat stays bright (Henkelman et al., JMRI 4:533, 1994).
    """

    density: float
    t1_ms: float
    t2_ms: float


@dataclass(frozen=True)
class Acquisition:
    """What forms the image of a spin-echo train: timing, field, coil, resolution, noise."""

    field_tesla: float
    repetition_ms: float
    echo_ms: float
    shading: float
    """Strength of the receive field: natural logarithm of its change over half a field of view, about."""
    noise: float
    """Standard deviation of each quadrature channel, relative to the signal of free water."""
    resolution: float
    """Share of k-space that is acquired, 0..1 per in-plane axis; the rest is zero-filled."""

    def signal(self, tissue: Tissue) -> float:
        """Spin-echo signal: density * (1 - exp(-TR/T1)) * exp(-TE/T2); T1 shortens and T2 grows at lower field."""
        t1 = tissue.t1_ms * (self.field_tesla / 3) ** 0.33
        t2 = tissue.t2_ms * (3 / self.field_tesla) ** 0.1
        return float(tissue.density * -np.expm1(-self.repetition_ms / t1) * np.exp(-self.echo_ms / t2))


def receive_field(shape: tuple[int, int, int], shading: float, random: np.random.Generator) -> Array:
    """Smooth positive field [slice, row, column] around 1, strongest at the front and back as of surface coils."""
    levels, rows, columns = (np.linspace(-1, 1, size) if size > 1 else np.zeros(1) for size in shape)
    tilt = random.uniform(-0.5, 0.5, size=4) * shading
    across = tilt[0] * columns - 0.15 * shading * columns**2
    along_rows = tilt[1] * rows + (0.6 + tilt[2]) * shading * (rows**2 - 0.3)
    field = np.exp((along_rows[:, None] + across).astype(np.float32))
    return np.asarray(np.exp(tilt[3] * levels).astype(np.float32)[:, None, None] * field, np.float32)


def magnitude(signal: Array, acquisition: Acquisition, random: np.random.Generator) -> Array:
    """Magnitude image of `signal` [slice, row, column] through a receive field that is drawn for it."""
    field = receive_field((signal.shape[0], signal.shape[1], signal.shape[2]), acquisition.shading, random)
    return noisy(signal * field, acquisition, random)


def noisy(shaded: Array, acquisition: Acquisition, random: np.random.Generator) -> Array:
    """Magnitude image of what the coils receive [slice, row, column]: k-space window, noise in both channels (Rician).

    Gudbjartsson H, Patz S. The Rician distribution of noisy MRI data. MRM 34:910 (1995).
    """
    rows, columns = shaded.shape[1:]
    spectrum = np.fft.rfft2(shaded)
    noise = random.standard_normal((*spectrum.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum += (acquisition.noise * np.sqrt(rows * columns / 2)) * noise
    spectrum *= _window(rows, acquisition.resolution)[:, None]
    spectrum *= _window(columns, acquisition.resolution)[: columns // 2 + 1]
    in_phase = np.fft.irfft2(spectrum, s=(rows, columns))
    quadrature = acquisition.noise * random.standard_normal(shaded.shape, dtype=np.float32)
    return np.asarray(np.hypot(in_phase, quadrature), np.float32)


def _window(size: int, resolution: float) -> Array:
    """Raised-cosine edge: what scanners call a (weak) filter against ringing."""
    frequency = np.abs(np.fft.fftfreq(size)) * 2 / resolution
    edge = np.clip((frequency - 0.6) / 0.4, 0, 1)
    return np.asarray(np.where(frequency > 1, 0, 0.5 + 0.5 * np.cos(np.pi * edge) * 0.9 + 0.05), np.float32)


def stored(image: Array, gain: float, bits: int) -> NDArray[np.uint16]:
    """Stored values: `image` times `gain`, rounded, clipped to the range of `bits`."""
    return np.asarray(np.clip(np.rint(image * gain), 0, 2**bits - 1), np.uint16)
