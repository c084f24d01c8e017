"""Rigid registration of two volumes of one patient by mutual information, with what can honestly be told about it.

For series of one study whose frames of reference differ although the patient hardly moved, as PET and MR of a hybrid
scanner. The search begins where the coordinates put the volumes, so these must agree within a few centimetres.

What is told is no accuracy, which nobody can know without landmarks. It is repeatability: how far the results of
searches from several starts lie apart, at the corners of the fixed volume.

Mattes et al., IEEE Trans Med Imaging 22:120 (2003), as SimpleITK has it. One thread and a fixed seed: the same
volumes give the same numbers.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.volume import Volume
from fedbundle.errors import DicomError

REGISTRATION_FAILED = "REGISTRATION_FAILED"
WORKING_MM = 2.5  # voxels in which the search is done; PET resolves 4 to 6 mm
SHRINKS, SIGMAS_MM = (4, 2, 1), (5.0, 2.5, 0.0)  # of the levels, coarse to fine
SAMPLED = (1.0, 0.5, 0.3)  # share of the voxels at each level
SEED, BINS, ITERATIONS = 1, 32, 150
FIRST_STEP_MM, LAST_STEP_MM = 2.0, 1e-3
LEVELS = (1.0, 99.0)  # percentiles between which intensities count; a full bladder would else take all bins
# the searches begin at the coordinates, and moved and turned away from them: mm along L, P, S; degrees about L, P, S
STARTS = ((0, 0, 0, 0, 0, 0), (6, -6, 6, 3, -3, 3), (-6, 6, -6, -3, 3, -3))
MOST_MM, MOST_DEGREES = 50.0, 20.0  # a further move is implausible for one patient in one study
MOST_APART_MM = 5.0  # between the results of two starts; about the resolution of a PET


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
    repeatability_mm: float  # largest distance at a corner of the fixed volume between the results of two starts

    def told(self) -> dict[str, Any]:
        """Numbers for a log, rounded; without the matrix, which ties the series of a patient together."""
        names = ("translation_mm", "rotation_degrees", "repeatability_mm")
        told: dict[str, Any] = {name: round(getattr(self, name), 2) for name in names}
        information = ("mutual_information", "mutual_information_before")
        return told | {name: round(getattr(self, name), 4) for name in information}


def register(fixed: Volume, moving: Volume) -> Rigid:
    """Find the rigid motion that brings `moving` onto `fixed`.

    Raises:
        RegistrationError: they do not overlap or hold one value only, searches from different starts end more than
            `MOST_APART_MM` apart, nothing was gained, or the motion is more than `MOST_MM` or `MOST_DEGREES`.
    """
    images = _working(fixed), _working(moving)
    centre = _corners(fixed).mean(axis=0)
    method = _method()
    try:
        before = -_start(method, centre, STARTS[0]).MetricEvaluate(*images)
        found = [_search(method, centre, start, *images) for start in STARTS]
    except RuntimeError as error:  # its message quotes addresses of memory
        raise RegistrationError("volumes that do not overlap, or in which nothing can be found") from error
    information, best = max(found, key=lambda each: each[0])
    corners = _corners(fixed)
    ends = [_moved(matrix, corners) for _, matrix in found]
    apart = max(float(np.linalg.norm(one - other, axis=1).max()) for one in ends for other in ends)
    turn = float(np.degrees(np.arccos(np.clip((np.trace(best[:3, :3]) - 1) / 2, -1, 1))))
    far = float(np.linalg.norm(_moved(best, centre[None])[0] - centre))
    return _judged(Rigid(best, far, turn, information, before, apart))


def as_image(volume: Volume) -> sitk.Image:
    """The volume as SimpleITK has it, float32, LPS mm."""
    image = sitk.GetImageFromArray(volume.array.astype(np.float32, copy=False))
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetSpacing(volume.spacing)
    image.SetDirection((volume.affine[:3, :3] / volume.spacing).ravel().tolist())
    return image


def _judged(found: Rigid) -> Rigid:
    if found.repeatability_mm > MOST_APART_MM:
        raise RegistrationError(
            f"results of {len(STARTS)} starts {found.repeatability_mm:.1f} mm apart, wanted at most {MOST_APART_MM:g}"
        )
    if found.mutual_information <= found.mutual_information_before:
        raise RegistrationError("no gain in mutual information")
    if found.translation_mm > MOST_MM or found.rotation_degrees > MOST_DEGREES:
        raise RegistrationError(
            f"a motion of {found.translation_mm:.0f} mm and {found.rotation_degrees:.0f} degrees, "
            f"wanted at most {MOST_MM:g} mm and {MOST_DEGREES:g} degrees"
        )
    return found


def _working(volume: Volume) -> sitk.Image:
    """Clipped, smoothed and resampled to voxels of about `WORKING_MM`; axes that are coarser stay as they are."""
    low, high = np.percentile(volume.array, LEVELS)
    if not high > low:
        raise RegistrationError("a volume of one value")
    image = as_image(volume)
    image = sitk.Clamp(image, sitk.sitkFloat32, float(low), float(high))
    fine = [max(WORKING_MM, spacing) for spacing in volume.spacing]
    sigma = [wanted / 2 if wanted > 1.5 * spacing else 0.0 for wanted, spacing in zip(fine, volume.spacing, strict=True)]
    image = sitk.DiscreteGaussian(image, variance=[each**2 for each in sigma], maximumKernelWidth=64)
    size = [max(1, round(n * old / new)) for n, old, new in zip(image.GetSize(), volume.spacing, fine, strict=True)]
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing([n * old / new for n, old, new in zip(image.GetSize(), volume.spacing, size, strict=True)])
    grid.SetDirection(image.GetDirection())
    # the outer faces of both grids coincide, not the centres of their first voxels
    shift = [(new - old) / (2 * old) for new, old in zip(grid.GetSpacing(), volume.spacing, strict=True)]
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(shift))
    return sitk.Resample(image, grid, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, float(low))


def _method() -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel(list(SAMPLED), SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(FIRST_STEP_MM, LAST_STEP_MM, ITERATIONS)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(SHRINKS))
    method.SetSmoothingSigmasPerLevel(list(SIGMAS_MM))
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _start(
    method: sitk.ImageRegistrationMethod, centre: Array, start: tuple[float, ...]
) -> sitk.ImageRegistrationMethod:
    transform = sitk.Euler3DTransform(centre.tolist(), *np.radians(start[3:]).tolist(), list(map(float, start[:3])))
    method.SetInitialTransform(transform, inPlace=False)
    return method


def _search(
    method: sitk.ImageRegistrationMethod, centre: Array, start: tuple[float, ...], fixed: sitk.Image, moving: sitk.Image
) -> tuple[float, Array]:
    """Mutual information, and where the search from a start ends."""
    found = _start(method, centre, start).Execute(fixed, moving)
    origin = np.array(found.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.array(found.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)], axis=1)
    matrix[:3, 3] = origin
    return -method.GetMetricValue(), matrix


def _corners(volume: Volume) -> Array:
    """Centres of the eight outermost voxels, LPS mm."""
    k, j, i = (np.array(n) - 1 for n in volume.array.shape)
    return _moved(volume.affine, np.array(list(product((0, i), (0, j), (0, k))), dtype=np.float64))


def _moved(matrix: Array, points: Array) -> Array:
    return points @ matrix[:3, :3].T + matrix[:3, 3]
