"""A pelvis of ellipsoids as T2 and as PET, computed at any place, so that motion and resampling can be proven."""

import numpy as np
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import Volume

# centre and half axes in LPS mm, brightness on T2, uptake on PET
ORGANS = (
    ((0, 0, 0), (150, 95, 400), 400.0, 1.0),  # body
    ((-75, 20, 20), (28, 22, 60), 120.0, 0.5),  # bone
    ((80, 15, 10), (26, 24, 60), 130.0, 0.4),
    ((5, -30, 38), (34, 28, 22), 1500.0, 9.0),  # bladder
    ((0, 8, -8), (24, 18, 20), 750.0, 2.2),  # prostate
    ((-8, 14, -10), (6, 5, 6), 450.0, 12.0),  # lesion
    ((2, 48, -5), (20, 16, 50), 260.0, 1.6),  # rectum
)
EDGE_MM = 3.0  # width over which an organ passes into the next


def volume(
    of: str,
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    motion: Array | None = None,
    frame: str = "1.2.3",
    noise: float = 0.0,
) -> Volume:
    """The pelvis on a transverse grid around the origin.

    Args:
        of: "t2" or "pet".
        shape: slices, rows, columns.
        spacing: mm between columns, rows, slices.
        motion: 4x4, LPS mm of the pelvis at rest -> where it lies here.
        frame: FrameOfReferenceUID.
        noise: standard deviation, relative to the brightest organ.
    """
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * mm for n, mm in zip(reversed(shape), spacing, strict=True)]
    k, j, i = np.indices(shape)
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ affine.T
    back = np.eye(4) if motion is None else np.linalg.inv(motion)
    pixels = values(of, (places @ back.T)[..., :3])
    pixels += np.random.default_rng(5).normal(0, noise * pixels.max(), shape) if noise else 0.0
    return Volume(np.maximum(pixels, 0).astype(np.float32), affine, frame)


def values(of: str, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brightness or uptake at LPS places [..., 3] of the pelvis at rest."""
    found = np.zeros(places.shape[:-1])
    for centre, axes, bright, uptake in ORGANS:
        radius = np.linalg.norm((places - centre) / axes, axis=-1)
        share = np.clip(0.5 + (1 - radius) * min(axes) / EDGE_MM, 0, 1)
        found += share * ((bright if of == "t2" else uptake) - found)
    return found


def rigid(mm: tuple[float, float, float], degrees: tuple[float, float, float]) -> Array:
    """4x4 rotation about L, then P, then S through the origin, then translation."""
    matrix = np.eye(4)
    for axis, angle in enumerate(np.radians(degrees)):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(4)
        step[i, i] = step[j, j] = np.cos(angle)
        step[j, i], step[i, j] = np.sin(angle), -np.sin(angle)
        matrix = step @ matrix
    matrix[:3, 3] = mm
    return matrix
