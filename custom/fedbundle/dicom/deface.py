"""Defacing of head MR by geometry alone: what lies around the brain stays, face, ears, neck and skin go.

Registration to an atlas (pydeface, mri_deface, afni_refacer) needs data that we do not ship. So, after the idea of
Quickshear (Schimke & Hale, USENIX HealthSec 2011), which cuts along the convex hull of the brain:

1. head: Otsu's threshold, largest component, closed and filled;
2. core: the largest part of soft tissue that stays connected when `OPENING_MM` are taken off, the inner brain without
   eyes, muscles and cord;
3. kept: whatever lies less than `MARGIN_MM` outside of the convex hull of the core in every direction but upwards,
   and deeper than `SHELL_MM` below the skin.

Which convex hull a brain has is known within the margin only, so the core must look like that of a brain, else the
image is refused. docs/reference/deidentification.md tells how well it works.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.register import as_image
from fedbundle.dicom.volume import Volume
from fedbundle.errors import DicomError

NOT_DEFACED = "NOT_DEFACED"
GRID_MM = 2.0  # voxels in which the head is looked at, along L, P, S
OPENING_MM = 7.0  # thicker than eye muscles, optic nerves, cord and the bridges of dura to the scalp
MARGIN_MM = 12.0  # the core lacks gyri; from the frontal pole outwards it is 12 to 15 mm to the skin
SHELL_MM = 5.0  # scalp; bone follows, then brain
INNER_MM = 6.0  # less deep tissue is no brain
UPWARDS = 0.25  # component of a direction towards S, above which there is no face
DIRECTIONS = 400
LEAST_AIR = 0.1  # share of the image that is not head
HEAD_ML = (1200.0, 9000.0)
CORE_ML = (300.0, 1800.0)
CORE_MM = ((85.0, 155.0), (100.0, 185.0), (80.0, 155.0))  # extents along L, P, S, of heads from a child's on
MOST_ABOVE_MM = 50.0  # from the core to the top of the head; more is a neck, so the image is upside down

def two(array, inner, head):
    l = _otsu(array[inner]); return _otsu(array[inner & (array <= l)])
def half(array, inner, head):
    return _otsu(array[head]) / 2
def median(array, inner, head):
    return float(np.median(array[inner & (array > _otsu(array[head]) / 2)])) * .6
LEVEL = two
Mask = NDArray[np.bool_]  # [slice, row, column] along S, P, L


class DefaceError(DicomError):
    """No brain was found in what should be a head; `detail` tells in numbers what was found."""

    reason = NOT_DEFACED

    def __init__(self, detail: str) -> None:
        super().__init__(f"image must show a head with air around it, got {detail}; leave the study out")
        self.detail = detail


@dataclass(frozen=True, eq=False)
class Kept:
    """What stays of a head."""

    region: sitk.Image  # float32, 1 where it stays, else 0; LPS mm


@dataclass(frozen=True)
class Defaced:
    """A volume without a face."""

    volume: Volume
    removed: float  # share of its voxels, 0 to 1
    by: str  # role in which the head was found


def deface(volumes: Mapping[str, Volume]) -> dict[str, Defaced]:
    """Set what does not stay to the lowest value of its volume, in all volumes of a study.

    Volumes in one frame of reference share one region, found in the one with the smallest voxels in which it can be.

    Args:
        volumes: head MR by role; must not hold quantities below 0.

    Raises:
        DefaceError: in no volume of a frame of reference a brain is found.
    """
    done: dict[str, Defaced] = {}
    for frame in dict.fromkeys(volume.frame_of_reference_uid for volume in volumes.values()):
        group = {role: volume for role, volume in volumes.items() if volume.frame_of_reference_uid == frame}
        by, kept = _found(group)
        done |= {role: _cut(volume, kept, by) for role, volume in group.items()}
    return done


def _found(group: Mapping[str, Volume]) -> tuple[str, Kept]:
    failure: DefaceError | None = None
    for role in sorted(group, key=lambda role: max(group[role].spacing)):
        try:
            return role, kept_of(group[role])
        except DefaceError as error:
            failure = failure or error
    raise failure or DefaceError("no image")


def _cut(volume: Volume, kept: Kept, by: str) -> Defaced:
    stays = sitk.GetArrayFromImage(
        sitk.Resample(kept.region, as_image(volume), sitk.Transform(), sitk.sitkLinear, 0.0)
    )
    array = np.where(stays > 0.5, volume.array, volume.array.min())
    return Defaced(replace(volume, array=array), float((stays <= 0.5).mean()), by)


def kept_of(volume: Volume) -> Kept:
    """Find what stays of a head.

    Raises:
        DefaceError: it does not look like a head with a brain.
    """
    image, seen = _upright(volume)
    array = sitk.GetArrayFromImage(image)
    head = _head(array, seen)
    depth = _inside_mm(head | ~seen)  # where the field of view ends there is no skin
    core = _core(array, head, depth)
    stays = head & (depth > SHELL_MM) & _around(core)
    region = sitk.GetImageFromArray(stays.astype(np.float32))
    region.CopyInformation(image)
    return Kept(region)


def _upright(volume: Volume) -> tuple[sitk.Image, Mask]:
    """The volume along L, P, S in voxels of `GRID_MM`, and which of these it covers."""
    source = as_image(volume)
    ends = np.array([source.TransformIndexToPhysicalPoint(corner) for corner in _corners(source.GetSize())])
    size = np.ceil(np.ptp(ends, axis=0) / GRID_MM).astype(int) + 1
    if max(size) * GRID_MM > 1000 or min(size) < 3:
        raise DefaceError("an image of another size than a head")
    grid = sitk.Image(size.tolist(), sitk.sitkUInt8)
    grid.SetOrigin(ends.min(axis=0).tolist())
    grid.SetSpacing([GRID_MM] * 3)
    smooth = sitk.SmoothingRecursiveGaussian(source, GRID_MM / 4)
    ones = sitk.Image(source.GetSize(), sitk.sitkFloat32) + 1
    ones.CopyInformation(source)
    covered = sitk.Resample(ones, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    image = sitk.Resample(smooth, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return image, sitk.GetArrayFromImage(covered) > 0


def _corners(size: tuple[int, ...]) -> list[tuple[int, int, int]]:
    i, j, k = (n - 1 for n in size)
    return [(a, b, c) for a in (0, i) for b in (0, j) for c in (0, k)]


def _head(array: NDArray[np.float32], seen: Mask) -> Mask:
    bright = np.percentile(array[seen], 99)
    if not bright > array[seen].min():
        raise DefaceError("an image of one value")
    levels = np.minimum(array, bright)
    tissue = _largest(seen & (levels > _otsu(levels[seen]) / 2))
    wide = sitk.BinaryMorphologicalClosing(_image(np.pad(tissue, 8)), [int(10 / GRID_MM)] * 3)
    head: Mask = sitk.GetArrayFromImage(sitk.BinaryFillhole(wide))[8:-8, 8:-8, 8:-8] > 0
    head &= seen
    if head.sum() > (1 - LEAST_AIR) * seen.sum():
        raise DefaceError(f"air in {1 - head.sum() / seen.sum():.0%} of it, wanted at least {LEAST_AIR:.0%}")
    _within("a head", "ml", _ml(head), HEAD_ML)
    return head


def _core(array: NDArray[np.float32], head: Mask, depth: NDArray[np.float32]) -> Mask:
    inner = head & (depth > INNER_MM)
    if not inner.any():
        raise DefaceError("nothing below the skin")
    level = _otsu(array[inner])
    level = _otsu(array[inner & (array <= level)])  # fat and contrast medium are brighter than brain, bone is darker
    top = np.flatnonzero(head.any(axis=(1, 2)))[-1]
    low = max(0, top - int(155 / GRID_MM))
    inner = inner.copy(); inner[:low] = False
    level = LEVEL(array, inner, head)
    tissue = inner & (array > level)
    thick = _inside_mm(tissue) > OPENING_MM
    if not thick.any():
        raise DefaceError("no thick soft tissue in it")
    core: Mask = (_inside_mm(~_largest(thick)) <= OPENING_MM) & tissue
    _within("an inner brain", "ml", _ml(core), CORE_ML)
    places = [np.flatnonzero(core.any(axis=axes)) for axes in ((0, 1), (0, 2), (1, 2))]
    for place, name, limits in zip(places, ("left to right", "front to back", "top to bottom"), CORE_MM, strict=True):
        _within(f"an inner brain, {name},", "mm", (place[-1] - place[0]) * GRID_MM, limits)
    above = (np.flatnonzero(head.any(axis=(1, 2)))[-1] - places[2][-1]) * GRID_MM
    _within("above the inner brain", "mm", above, (0, MOST_ABOVE_MM))
    return core


def _around(core: Mask) -> Mask:
    """Less than the margin outside of the hull in every direction that does not point upwards."""
    surface = core & (_inside_mm(core) <= 2 * GRID_MM)
    points = np.argwhere(surface)[:, ::-1].astype(np.float32) * np.float32(GRID_MM)
    s, p, l = (np.arange(n, dtype=np.float32) * np.float32(GRID_MM) for n in core.shape)  # noqa: E741 -- left
    inside = np.ones(core.shape, bool)
    for direction in _directions():
        limit = float((points @ direction).max()) + MARGIN_MM
        far = s[:, None, None] * direction[2] + p[None, :, None] * direction[1] + l[None, None, :] * direction[0]
        inside &= far <= limit
    return inside


def _directions() -> NDArray[np.float32]:
    """Unit vectors (L, P, S), evenly spread (Fibonacci sphere), without those upwards."""
    number = np.arange(DIRECTIONS) + 0.5
    s = 1 - 2 * number / DIRECTIONS
    turn, across = np.pi * (1 + 5**0.5) * number, np.sqrt(1 - s * s)
    vectors = np.stack([across * np.cos(turn), across * np.sin(turn), s], axis=1)
    return vectors[s <= UPWARDS].astype(np.float32)


def _inside_mm(mask: Mask) -> NDArray[np.float32]:
    """Distance in mm to the nearest voxel outside of the mask; what lies beyond the grid is as its edge."""
    padded = sitk.Cast(_image(mask), sitk.sitkUInt8)
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    distance = sitk.SignedMaurerDistanceMap(padded, True, False, True)
    return np.asarray(sitk.GetArrayFromImage(distance), np.float32)


def _largest(mask: Mask) -> Mask:
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(_image(mask)))
    largest: Mask = sitk.GetArrayFromImage(parts) == 1
    return largest


def _otsu(values: NDArray[np.float32]) -> float:
    """Threshold with the largest variance between classes (Otsu, IEEE Trans SMC 9:62, 1979)."""
    if not values.size or not values.max() > values.min():
        raise DefaceError("an image of one value")
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    below, moment = np.cumsum(counts)[:-1], np.cumsum(counts * centres)[:-1]
    total, sum_ = below[-1] + counts[-1], float((counts * centres).sum())
    above = np.maximum(total - below, 1)
    between = (moment * total - sum_ * below) ** 2 / (np.maximum(below, 1) * above).astype(float)
    return float(centres[int(np.argmax(between))])


def _image(mask: Mask) -> sitk.Image:
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([GRID_MM] * 3)
    return image


def _ml(mask: Mask) -> float:
    return float(mask.sum() * GRID_MM**3 / 1000)


def _within(what: str, unit: str, found: float, limits: tuple[float, float]) -> None:
    if not limits[0] <= found <= limits[1]:
        raise DefaceError(f"{what} of {found:.0f} {unit}, wanted {limits[0]:g} to {limits[1]:g}")


def told(defaced: Defaced) -> dict[str, Any]:
    """What a log may say of it."""
    return {"removed": round(defaced.removed, 4), "head_found_in": defaced.by}
