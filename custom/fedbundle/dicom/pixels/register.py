"""Rigid registration of two volumes of one patient by mutual information, with what can honestly be told about it.

For series of one study whose frames of reference differ although the patient hardly moved, as PET and MR of a hybrid
scanner. The search begins where the coordinates put the volumes, so these must agree within a few centimetres.

Accuracy cannot be known without landmarks. Told instead, at the corners of the middle half of the fixed volume, are the
distance between the results of searches from several starts, and how far a point comes to lie from itself that is
brought over by the registration and back by one with the roles of the volumes changed (Christensen & Johnson, IEEE
Trans Med Imaging 20:568, 2001).

Mattes et al., IEEE Trans Med Imaging 22:120 (2003), as SimpleITK has it. One thread and a fixed seed: the same
volumes give the same numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import DicomError

REGISTRATION_FAILED = "REGISTRATION_FAILED"
WORKING_MM = 2.5  # voxels in which the search is done; PET resolves 4 to 6 mm
SHRINKS, SIGMAS_MM = (4, 2, 1), (5.0, 2.5, 0.0)  # of the levels, coarse to fine
SAMPLES = 50_000  # voxels of which a level makes its histogram
SAMPLES_AT_END = 500_000  # for the comparison of results
SEED, BINS, ITERATIONS = 1, 32, 150
FIRST_STEP_MM, LAST_STEP_MM = 2.0, 1e-3
LEVELS = (0.5, 99.5)  # percentiles where both overlap, between which intensities count
LEAST_GAIN = 0.02  # of mutual information, relative; with less, coordinates stand. See docs/reference/ingest-rules.md
MIDDLE = 0.5  # part of the fixed volume, along each axis, at whose corners distances are measured
LEAST_VOXELS = 3  # along each axis of the overlap
# the searches begin at the coordinates, and moved and turned away from them: mm along L, P, S; degrees about L, P, S
STARTS = ((0, 0, 0, 0, 0, 0), (6, -6, 6, 3, -3, 3), (-6, 6, -6, -3, 3, -3))
MOST_MM, MOST_DEGREES = 50.0, 20.0  # a further move is implausible for one patient in one study
MOST_APART_MM = 5.0  # of both distances that tell how far it can be trusted; about the resolution of a PET


class RegistrationError(DicomError):
    """Two volumes cannot be registered; `detail` says why in numbers."""

    reason = REGISTRATION_FAILED

    def __init__(self, detail: str) -> None:
        super().__init__(f"volumes must be of one place of one patient, got {detail}; register them beforehand")
        self.detail = detail


@dataclass(frozen=True)
class Rigid:
    """A rigid motion and how it was found."""

    matrix: Array  # 4x4 float64, LPS mm: a point of the fixed volume -> the same anatomy in the moving one
    translation_mm: float  # of the centre of the fixed volume
    rotation_degrees: float
    mutual_information: float  # nats, after registration
    mutual_information_before: float  # nats, where the coordinates put the volumes
    repeatability_mm: float  # largest distance at a corner of the middle half between the results of two starts
    inverse_error_mm: float  # largest distance of such a corner from itself, brought over and back

    def told(self) -> dict[str, Any]:
        """Numbers for a log, rounded; without the matrix, which ties the series of a patient together."""
        names = ("translation_mm", "rotation_degrees", "repeatability_mm", "inverse_error_mm")
        told: dict[str, Any] = {name: round(getattr(self, name), 2) for name in names}
        information = ("mutual_information", "mutual_information_before")
        return told | {name: round(getattr(self, name), 4) for name in information}


def register(fixed: Volume, moving: Volume) -> Rigid:
    """Find the rigid motion that brings `moving` onto `fixed`; none where the coordinates fit as well.

    Raises:
        RegistrationError: they do not overlap or hold one value only, the motion is more than `MOST_MM` or
            `MOST_DEGREES`, or one of the two distances that tell how far it can be trusted more than `MOST_APART_MM`.
    """
    with _one_thread():
        return _judged(_registered(fixed, moving))


def _registered(fixed: Volume, moving: Volume) -> Rigid:
    overlap = _cropped(moving, fixed, 0.0)
    images = _working(fixed, fixed), _working(_cropped(moving, fixed, MOST_MM), overlap)
    corners = _corners(fixed, MIDDLE)
    centre = np.asarray(corners.mean(axis=0), dtype=np.float64)
    try:
        found = [_search(_start(centre, start), *images) for start in STARTS]
        back = _search(_start(centre, STARTS[0]), *reversed(images))
        before, *after = (_information(matrix, *images) for matrix in (np.eye(4), *found))
    except RuntimeError as error:  # its message quotes addresses of memory
        raise RegistrationError("volumes in which nothing can be found") from error
    best = found[int(np.argmax(after))]
    ends = [_moved(matrix, corners) for matrix in found]
    apart = max(float(np.linalg.norm(one - other, axis=1).max()) for one in ends for other in ends)
    loop = float(np.linalg.norm(_moved(back, _moved(best, corners)) - corners, axis=1).max())
    gained = max(after) > before * (1 + LEAST_GAIN)
    matrix, information = (best, max(after)) if gained else (np.eye(4), before)
    turn = float(np.degrees(np.arccos(np.clip((np.trace(matrix[:3, :3]) - 1) / 2, -1, 1))))
    far = float(np.linalg.norm(matrix[:3, :3] @ centre + matrix[:3, 3] - centre))
    return Rigid(matrix, far, turn, information, before, apart, loop)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in the metric depend on how many threads make them, in spite of its own setting."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def as_image(volume: Volume) -> sitk.Image:
    """The volume as SimpleITK has it, float32, LPS mm."""
    image = sitk.GetImageFromArray(volume.array.astype(np.float32, copy=False))
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetSpacing(volume.spacing)
    image.SetDirection((volume.affine[:3, :3] / volume.spacing).ravel().tolist())
    return image


def as_transform(matrix: Array) -> sitk.AffineTransform:
    """4x4 in LPS mm as SimpleITK has it."""
    return sitk.AffineTransform(matrix[:3, :3].ravel().tolist(), matrix[:3, 3].tolist())


def _judged(found: Rigid) -> Rigid:
    if found.repeatability_mm > MOST_APART_MM:
        raise RegistrationError(
            f"results of {len(STARTS)} starts {found.repeatability_mm:.1f} mm apart, wanted at most {MOST_APART_MM:g}"
        )
    if found.inverse_error_mm > MOST_APART_MM:
        raise RegistrationError(
            f"a point that comes back {found.inverse_error_mm:.1f} mm away, wanted at most {MOST_APART_MM:g}"
        )
    if found.translation_mm > MOST_MM or found.rotation_degrees > MOST_DEGREES:
        raise RegistrationError(
            f"a motion of {found.translation_mm:.0f} mm and {found.rotation_degrees:.0f} degrees, "
            f"wanted at most {MOST_MM:g} mm and {MOST_DEGREES:g} degrees"
        )
    return found


def _cropped(volume: Volume, around: Volume, margin_mm: float) -> Volume:
    """The part of a volume in the box, along its own axes, that holds another one and a margin."""
    ends = _moved(np.asarray(np.linalg.inv(volume.affine), np.float64), _corners(around))
    margin = margin_mm / np.array(volume.spacing)
    limits = np.array(volume.array.shape[::-1])
    low = np.clip(np.floor(ends.min(axis=0) - margin), 0, limits).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + margin) + 1, 0, limits).astype(int)
    if (high - low).min() < LEAST_VOXELS:
        raise RegistrationError("volumes that do not overlap")
    affine = volume.affine.copy()
    affine[:3, 3] = _moved(volume.affine, np.array([low], dtype=np.float64))[0]
    (i, j, k), (i_end, j_end, k_end) = low, high
    return Volume(volume.array[k:k_end, j:j_end, i:i_end], affine, volume.frame_of_reference_uid)


def _working(volume: Volume, levels_of: Volume) -> sitk.Image:
    """Clipped, and averaged over blocks of about `WORKING_MM`; axes that are coarser stay as they are."""
    low, high = np.percentile(levels_of.array, LEVELS)
    if not high > low:
        raise RegistrationError("a volume of one value")
    image = sitk.Clamp(as_image(volume), sitk.sitkFloat32, float(low), float(high))
    shrink = [max(1, min(n, round(WORKING_MM / mm))) for n, mm in zip(image.GetSize(), volume.spacing, strict=True)]
    return sitk.BinShrink(image, shrink)


def _search(start: sitk.Transform, fixed: sitk.Image, moving: sitk.Image) -> Array:
    """4x4 where the search from a start ends."""
    method = _metric()
    voxels = [fixed.GetNumberOfPixels() / shrink**3 for shrink in SHRINKS]
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([min(1.0, SAMPLES / count) for count in voxels], SEED)
    method.SetOptimizerAsRegularStepGradientDescent(FIRST_STEP_MM, LAST_STEP_MM, ITERATIONS)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(SHRINKS))
    method.SetSmoothingSigmasPerLevel(list(SIGMAS_MM))
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    found = method.Execute(fixed, moving)
    matrix = np.eye(4)
    matrix[:3, 3] = found.TransformPoint((0.0, 0.0, 0.0))
    for axis, unit in enumerate(np.eye(3).tolist()):
        matrix[:3, axis] = np.array(found.TransformPoint(unit)) - matrix[:3, 3]
    return matrix


def _information(matrix: Array, fixed: sitk.Image, moving: sitk.Image) -> float:
    """Mutual information in nats, of the same voxels of `fixed` for every matrix."""
    method = _metric()
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, SAMPLES_AT_END / fixed.GetNumberOfPixels()), SEED)
    method.SetInitialTransform(as_transform(matrix), inPlace=False)
    return -float(method.MetricEvaluate(fixed, moving))


def _metric() -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _start(centre: Array, start: tuple[float, ...]) -> sitk.Transform:
    return sitk.Euler3DTransform(centre.tolist(), *np.radians(start[3:]).tolist(), [float(mm) for mm in start[:3]])


def _corners(volume: Volume, middle: float = 1.0) -> Array:
    """Corners of the box of all voxel centres, or of its middle part along each axis; LPS mm [8, 3]."""
    ends = [((1 - middle) / 2 * (n - 1), (1 + middle) / 2 * (n - 1)) for n in reversed(volume.array.shape)]
    return _moved(volume.affine, np.array(list(product(*ends)), dtype=np.float64))


def _moved(matrix: Array, points: Array) -> Array:
    return points @ matrix[:3, :3].T + matrix[:3, 3]
