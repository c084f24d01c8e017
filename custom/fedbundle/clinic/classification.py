"""Classes of each side that a film shows: probabilities, the film with the network's map, DICOM SR."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
from pydicom.sr.coding import Code

from fedbundle.clinic.classification_page import pictures_of, summary
from fedbundle.clinic.findings import Item
from fedbundle.clinic.side_result import SideResult, read_side
from fedbundle.clinic.sided import Sided, sides_seen
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import ClassificationOut
from fedbundle.dicom.sides import NAMES
from fedbundle.dicom.sr.group import NO_UNITS, OWN_SCHEME, Group, Quantity

DIGITS = 4
COARSE_MM = 0.5  # pixels of a film; a detector has 0.1 to 0.2


@dataclass(frozen=True, eq=False)
class Classification(Sided[ClassificationOut, SideResult]):
    """Probabilities of classes for each side."""

    kind = "classification"

    @classmethod
    def items(cls, study: Study, wanted: ClassificationOut) -> list[Item]:
        """One item per side.

        Raises:
            NoUsableSeriesError: header and film do not tell which side is seen.
        """
        return [{"laterality": side} for side in sides_seen(study, wanted).sides]

    @classmethod
    def read(cls, output: Path, study: Study, wanted: ClassificationOut) -> "Classification":
        """Read what inference said of each side.

        Raises:
            PredictionError: of a side it said nothing, or what the bundle does not declare.
            SegmentationError: a map is not on the film's grid.
        """
        seen, film = sides_seen(study, wanted), study.volume(wanted.input)
        return cls(wanted, study, seen, tuple(read_side(output, side, film, wanted) for side in seen.sides))

    @property
    def headline(self) -> str:
        """Verdict, and likeliest class of each side."""
        return ", ".join(
            f"{NAMES[each.side]} {each.verdict(self.wanted).label.lower()} "
            f"({each.best.label.lower()} {each.probabilities[each.best.value]:.2f})"
            for each in self.results
        )

    @property
    def doubts(self) -> Sequence[str]:
        """Sides that are inferred, coarse pixels, and probabilities that decide little."""
        told = list(self.seen.doubts)
        if max(self.film.spacing[:2]) > COARSE_MM:
            told.append(f"The film's pixels are {max(self.film.spacing[:2]):.2g} mm wide: a fine line cannot be seen.")
        return told + [doubt for each in self.results for doubt in self._doubts_of(each)]

    def _doubts_of(self, each: SideResult) -> list[str]:
        low, high = self.wanted.unsure
        side, told = NAMES[each.side].capitalize(), []
        if low <= each.positive < high:
            told.append(
                f"{side}: {self.wanted.positive.lower()} of any kind has {each.positive:.2f}, between {low:g} and "
                f"{high:g}, which decides nothing."
            )
        if each.lead < self.wanted.near_tie:
            told.append(f"{side}: {each.best.label.lower()} and {each.second.label.lower()} are nearly equally likely.")
        if not each.saliency.any():
            told.append(f"{side}: the network gave no map of what spoke for {each.explains.label.lower()}.")
        return told

    @property
    def colors(self) -> Sequence[str]:
        """Of the best class of each side."""
        return [each.best.color for each in self.results]

    @property
    def limits(self) -> str:
        """Of probabilities."""
        return (
            "Probabilities are calibrated on the training sites' validation patients as far as the model's card tells, "
            "and where fractures are rarer or commoner they are wrong. A class is told for each side by itself, from "
            "one view. A fracture that this view does not show is not found."
        )

    def data(self) -> dict[str, Any]:
        """Sides with class and probabilities."""
        return {"sides": [self._data_of(each) for each in self.results]}

    def _data_of(self, each: SideResult) -> dict[str, Any]:
        code, verdict = each.best.code, each.verdict(self.wanted)
        return {
            "laterality": each.side,
            "verdict": verdict.label,
            "decided": verdict.code is not None,
            "class": each.best.value,
            "label": each.best.label,
            "code": {"value": code.value, "scheme": code.scheme_designator, "meaning": code.meaning},
            "group": verdict.group.meaning if verdict.group else None,
            "positive": round(each.positive, DIGITS),
            "probabilities": {str(value): round(p, DIGITS) for value, p in each.probabilities.items()},
            "map_explains": each.explains.value,
        }

    def summary(self) -> str:
        """A card per side, and the table of classes."""
        return summary(self.results, self.wanted)

    def pictures(self) -> str:
        """The film, and each side with and without its map."""
        return pictures_of(self.film, self.results, self.wanted)

    def group(self, each: SideResult) -> Group:
        """Numbers of a side."""
        wanted = self.wanted
        verdict = each.verdict(wanted)
        numbers = [(each_class.code, each.probabilities[each_class.value]) for each_class in wanted.classes]
        return Group(
            label=f"{NAMES[each.side].capitalize()} side",
            uid=highdicom.UID(),
            finding=verdict.code,
            site=wanted.site,
            side=each.side,
            quantities=tuple(_probability(*number) for number in [*numbers, (wanted.positive_code, each.positive)]),
            words=((wanted.grouping, verdict.group),) if wanted.grouping and verdict.group else (),
        )


def _probability(of: Code, value: float) -> Quantity:
    name = Code(f"P-{of.value}", OWN_SCHEME, f"Probability of {of.meaning[0].lower()}{of.meaning[1:]}"[:64])
    return Quantity(name, round(value, DIGITS), NO_UNITS)
