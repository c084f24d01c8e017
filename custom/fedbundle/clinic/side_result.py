"""What inference said of one side: probabilities of the classes, and a map of what spoke for one of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from fedbundle.clinic.findings import CASE
from fedbundle.clinic.inference import read_map, the_one
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import Category, ClassificationOut
from fedbundle.errors import InputError, PredictionError
from fedbundle.files import read_json

SUM_TOLERANCE = 1e-3  # probabilities were rounded when they were written


@dataclass(frozen=True)
class Verdict:
    """What is told of a side."""

    label: str
    code: Code | None = None  # None where no finding is decided
    group: Code | None = None  # of a published classification


@dataclass(frozen=True, eq=False)
class SideResult:
    """One side."""

    side: str  # R or L
    probabilities: dict[int, float]  # class -> 0 to 1, of all classes, by rising class
    best: Category
    second: Category
    positive: float  # sum over the positive classes
    saliency: NDArray[np.float32]  # [row, column], 0 to 1, on the film's grid; 0 outside of the cut-out
    explains: Category  # class for which the map is

    @property
    def lead(self) -> float:
        """Distance of the two best classes."""
        return self.probabilities[self.best.value] - self.probabilities[self.second.value]

    def verdict(self, wanted: ClassificationOut) -> Verdict:
        """First whether it is positive at all, by the thresholds; then the likeliest class, if that is of this kind.

        Where the likeliest is of the other kind, or the next is nearly as likely, only positive or not is told.
        """
        low, high = wanted.unsure
        if low <= self.positive < high:
            return Verdict("Undecided")
        positive = self.positive >= high
        if self.best.positive == positive and self.lead >= wanted.near_tie:
            return Verdict(self.best.label, self.best.code, self.best.group)
        if positive:
            return Verdict(f"{wanted.positive}, kind undecided", wanted.positive_code, self._group(wanted))
        return Verdict(f"No {wanted.positive.lower()}, class undecided")

    def _group(self, wanted: ClassificationOut) -> Code | None:
        """What all positive classes have in common that are nearly as likely as the likeliest of them."""
        likely = [(self.probabilities[each.value], each.group) for each in wanted.classes if each.positive]
        most = max(probability for probability, _ in likely)
        groups = {group for probability, group in likely if most - probability < wanted.near_tie}
        return groups.pop() if len(groups) == 1 else None


def read_side(output: Path, side: str, film: Volume, wanted: ClassificationOut) -> SideResult:
    """Read `<case>_<side>_pred.json` and `<case>_<side>_saliency.nii.gz`.

    Raises:
        PredictionError: they are absent, or hold no probabilities of the bundle's classes or no map from 0 to 1.
        SegmentationError: the map is not on the film's grid.
    """
    path = the_one(output, f"{CASE}_{side}_pred.json", f"result of side {side}")
    try:
        content = read_json(path)
        probabilities = _probabilities(content, side, wanted)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PredictionError(
            f"result of side {side} must hold the probabilities of all classes of dicom_out.json, summing to 1, "
            f"got {type(error).__name__}; mend the bundle"
        ) from error
    saliency = read_map(the_one(output, f"{CASE}_{side}_saliency.nii*", f"map of side {side}"), film)[0]
    if saliency.min() < 0 or saliency.max() > 1 + SUM_TOLERANCE:
        raise PredictionError(
            f"map of side {side} must lie in 0 to 1, got {saliency.min():g} to {saliency.max():g}; mend the bundle"
        )
    order = sorted(probabilities, key=lambda value: -probabilities[value])
    named = content.get("saliency", {"class": order[0]})
    explained = named.get("class") if isinstance(named, dict) else None
    if type(explained) is not int or explained not in probabilities:  # bool is an int, and lists have no hash
        raise PredictionError(f"map of side {side} must explain a class of the bundle, got another; mend the bundle")
    return SideResult(
        side,
        probabilities,
        wanted.of(order[0]),
        wanted.of(order[1]),
        min(1.0, sum(probabilities[each.value] for each in wanted.classes if each.positive)),
        saliency,
        wanted.of(explained),
    )


def _probabilities(content: dict[str, Any], side: str, wanted: ClassificationOut) -> dict[int, float]:
    found = {int(value): float(probability) for value, probability in content["probabilities"].items()}
    right = content["laterality"] == side and found.keys() == {each.value for each in wanted.classes}
    if not right or not all(0 <= p <= 1 for p in found.values()) or abs(sum(found.values()) - 1) > SUM_TOLERANCE:
        raise ValueError("other classes, another side, or no probabilities")
    return dict(sorted(found.items()))
