"""Numbers of one case for the page: grid, grey values, volumes of its labels; and which cases lie far from the rest."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import LPS_TO_RAS

BINS = 64
TAILS = (0.1, 99.9)  # percentiles between which the histogram lies; single bright voxels would stretch it
AT_MOST = 1_000_000  # voxels that are counted; of more, every n-th
EDGES = (5, 95)  # percentiles of the cases' ends that become the ends of an axis; one odd case must not stretch it
ENOUGH = 5  # cases, below which nobody can say what is usual
FAR = 6.0  # robust standard deviations
LEAST = {"grid": 0.15, "volume": 0.5, "grey": 0.1}  # smaller differences are never far: relative, relative, share


@dataclass(frozen=True, eq=False)
class Image:
    """A file of the dataset: voxels [slice, row, column] on an LPS grid."""

    array: NDArray[np.generic]
    affine: Array  # 4x4, voxel index (column, row, slice) -> LPS mm

    @classmethod
    def read(cls, path: Path) -> "Image":
        """Read it.

        Raises:
            ValueError, OSError: it is no 3-D image that can be read.
        """
        image = nibabel.load(path)
        voxels = np.asanyarray(image.dataobj)
        if voxels.ndim != 3 or not voxels.size:
            raise ValueError(f"image must have 3 dimensions, got {voxels.ndim}; ingest again")
        return cls(voxels.transpose(2, 1, 0), LPS_TO_RAS @ np.asarray(image.affine, dtype=np.float64))

    @property
    def flat(self) -> bool:
        """It is a radiograph or a single slice."""
        return bool(self.array.shape[0] == 1)

    @property
    def spacing(self) -> list[float]:
        """Distance of voxel centres in mm: between columns, rows, slices."""
        return [round(float(length), 4) for length in np.linalg.norm(self.affine[:3, :3], axis=0)]


@dataclass(frozen=True)
class Grey:
    """Grid and histogram of one image."""

    size: list[int]  # columns, rows, slices
    spacing: list[float]  # mm, between columns, rows, slices
    low: float  # left edge of the histogram
    high: float  # right edge
    shares: list[float]  # of the voxels in each bin

    @classmethod
    def of(cls, image: Image) -> "Grey":
        """Count the voxels of an image."""
        voxels = np.ravel(image.array)[:: max(1, image.array.size // AT_MOST) | 1].astype(np.float32)
        voxels = voxels[np.isfinite(voxels)]
        if not voxels.size:
            raise ValueError("image must hold numbers, got none; ingest again")
        low, high = (float(f"{edge:.5g}") for edge in np.percentile(voxels, TAILS))
        high = high if high > low else low + 1.0
        counts, _ = np.histogram(np.clip(voxels, low, high), BINS, (low, high))
        shares = [round(float(count) / voxels.size, 5) for count in counts]
        return cls(list(image.array.shape[::-1]), image.spacing, low, high, shares)

    def below(self, edges: Array) -> Array:
        """Share of the voxels below each of these values."""
        own = np.linspace(self.low, self.high, BINS + 1)
        return np.asarray(np.interp(edges, own, np.cumsum([0.0, *self.shares])), dtype=np.float64)


@dataclass(frozen=True)
class Look:
    """All that the page tells of a case."""

    images: dict[str, Grey]  # role -> numbers
    labels: dict[str, float]  # label value -> mL, or cm² of a flat image; empty without a mask
    pictures: dict[str, str] = field(default_factory=dict)  # role -> data URI
    fault: str = ""  # why nothing can be told

    @cached_property
    def flat(self) -> bool:
        """Its labels are areas."""
        return all(grey.size[2] == 1 for grey in self.images.values())


def volumes(mask: Image, values: Mapping[int, str]) -> dict[str, float]:
    """Size of each label value in mL; in cm² where the image is flat."""
    width, height, step = mask.spacing
    unit = width * height / 100 if mask.flat else width * height * step / 1000
    return {str(value): round(float(np.count_nonzero(mask.array == value)) * unit, 3) for value in values}


def axis(greys: list[Grey]) -> tuple[float, float]:
    """Least and greatest grey value that most of these images reach."""
    low = float(np.percentile([grey.low for grey in greys], EDGES[0]))
    high = float(np.percentile([grey.high for grey in greys], EDGES[1]))
    return low, high if high > low else low + 1.0


def far(looks: Mapping[str, Look], values: Mapping[int, str]) -> dict[str, list[str]]:
    """Case -> what of it lies far from the other cases, in words; only cases that do.

    Args:
        looks: of all cases.
        values: label value -> what it means.
    """
    found: dict[str, list[str]] = {}
    drawn = Counter(value for look in looks.values() for value, size in look.labels.items() if size)
    common = [value for value, count in sorted(drawn.items()) if count > len(looks) / 2]  # unlike a lesion
    for case, look in looks.items():
        told = [look.fault] if look.fault else []
        told += [f"no voxel of {values[int(value)]}" for value in common if look.labels.get(value) == 0]
        found |= {case: told} if told else {}
    for told_of, numbers in _quantities(looks, values):
        kind, words = told_of
        if len(numbers) < ENOUGH:
            continue
        middle = float(np.median(list(numbers.values())))
        off = {case: abs(number - middle) for case, number in numbers.items()}
        usual = 1.4826 * float(np.median(list(off.values())))
        least = LEAST[kind] if kind == "grey" else LEAST[kind] * abs(middle)
        for case in (case for case, distance in off.items() if distance > max(FAR * usual, least)):
            more = "" if kind == "grey" else f" {numbers[case]:.3g}, most are near {middle:.3g}"
            found.setdefault(case, []).append(words + more)
    return found


def _quantities(
    looks: Mapping[str, Look], values: Mapping[int, str]
) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    """What cases are compared by: kind and words, and the number of each case."""
    for role in dict.fromkeys(role for look in looks.values() for role in look.images):
        greys = {case: look.images[role] for case, look in looks.items() if role in look.images}
        below = {case: np.cumsum(grey.shares) for case, grey in greys.items()}  # each on its own axis: gains differ
        usual = np.median(list(below.values()), axis=0)
        distance = {case: float(np.abs(each - usual).mean()) for case, each in below.items()}
        yield ("grey", f"grey values of {role} unlike the others"), distance
        yield ("grid", f"pixels of {role} in mm:"), {case: grey.spacing[0] for case, grey in greys.items()}
        yield ("grid", f"slice step of {role} in mm:"), {case: grey.spacing[2] for case, grey in greys.items()}
    for value, meaning in values.items():
        sizes = {case: look.labels[str(value)] for case, look in looks.items() if look.labels.get(str(value))}
        yield ("volume", f"{meaning} in {'cm²' if all(map(_flat, looks.values())) else 'mL'}:"), sizes


def _flat(look: Look) -> bool:
    return look.flat
