"""A detection map: candidates with scores, each on all images that were used, DICOM SEG and SR."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from fedbundle.clinic.candidates import Candidate, candidates
from fedbundle.clinic.detection_page import name_of, pictures_of, summary
from fedbundle.clinic.findings import SEG_SUFFIX, SR_SUFFIX, Findings, Target
from fedbundle.clinic.inference import read_map, the_one
from fedbundle.clinic.measure import edges
from fedbundle.clinic.slices_shown import image_numbers
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import DetectionOut
from fedbundle.dicom.seg.segments import Labelled, Segment
from fedbundle.dicom.seg.write import write_segmentation
from fedbundle.dicom.sr import group as sr
from fedbundle.dicom.sr.write import write_report

SCORE_DIGITS, ML_DIGITS, MM_DIGITS = 4, 3, 1
MORE_COLORS = ("#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#e69f00")  # Okabe and Ito: told apart by the colour-blind


@dataclass(frozen=True, eq=False)
class Detection(Findings):
    """Candidates, and the score of the patient."""

    kind = "detection"
    wanted: DetectionOut
    study: Study
    labels: NDArray[np.uint8]  # [slice, row, column], 0 or the number of a candidate
    candidates: tuple[Candidate, ...]  # by falling score
    weaker: tuple[float, ...]  # scores of those that are only counted

    @classmethod
    def read(cls, output: Path, study: Study, wanted: DetectionOut) -> "Detection":
        """Read the detection map that inference saved.

        Raises:
            PredictionError: there is none, or it is no detection map.
            SegmentationError: it is not on the grid of its input.
        """
        volume = study.volume(wanted.input)
        found = read_map(the_one(output, "*.nii.gz", "detection map"), volume)
        labels, told, weaker = candidates(found, volume, wanted.report_from)
        return cls(wanted, study, labels, tuple(told), tuple(weaker))

    @property
    def patient_score(self) -> float:
        """The highest score of a candidate, weak ones included; 0 without any."""
        return max([*(each.score for each in self.candidates), *self.weaker], default=0.0)

    @property
    def headline(self) -> str:
        """Score and number of candidates."""
        return f"patient score {self.patient_score:.2f}, {_many(len(self.candidates))}"

    @property
    def doubts(self) -> Sequence[str]:
        """Scores in between, and candidates of unusual size or at the edge."""
        low, high = self.wanted.unsure
        told = []
        if low <= self.patient_score < high:
            told.append(
                f"The patient score {self.patient_score:.2f} lies between {low:g} and {high:g}: it tells little."
            )
        for each in self.candidates:
            if self.wanted.largest_ml and each.volume_ml > self.wanted.largest_ml:
                told.append(f"{name_of(each, self.wanted)} is unusually large: {each.volume_ml:.0f} mL.")
            told += edges(name_of(each, self.wanted), self.labels == each.number)
        return told

    @property
    def colors(self) -> Sequence[str]:
        """One per candidate; the first has the bundle's."""
        first = self.wanted.candidate.color
        others = [color for color in MORE_COLORS if color.lower() != first.lower()]
        return [first if each.number == 1 else others[(each.number - 2) % len(others)] for each in self.candidates]

    @property
    def limits(self) -> str:
        """Of scores and outlines."""
        return (
            "A score orders candidates and patients; it is no probability of cancer. A candidate's outline tells where "
            "the network saw something, not where a lesion ends; its volume is the number of voxels times their size, "
            "its diameter the largest distance between two of their centres. A study without candidates can have a "
            "cancer."
        )

    def data(self) -> dict[str, Any]:
        """Score and candidates."""
        numbers = image_numbers(self.study, self.wanted.input)
        return {
            "patient_score": round(self.patient_score, SCORE_DIGITS),
            "candidates": [
                {
                    "number": each.number,
                    "score": round(each.score, SCORE_DIGITS),
                    "volume_ml": round(each.volume_ml, ML_DIGITS),
                    "diameter_mm": round(each.diameter_mm, MM_DIGITS),
                    "slices": len(each.slices),
                    "image": numbers[each.middle],
                }
                for each in self.candidates
            ],
            "weaker_candidates": len(self.weaker),
            "report_from": self.wanted.report_from,
        }

    def summary(self) -> str:
        """Cards and a table."""
        return summary(self.study, self.wanted, self.patient_score, self.candidates, self.weaker)

    def pictures(self) -> str:
        """Each candidate on all images, then outlines on the slices."""
        return pictures_of(self.study, self.wanted, self.labels, self.candidates, self.colors)

    def objects(self) -> Sequence[str]:
        """SEG and SR; without a candidate SR only."""
        return (SEG_SUFFIX, SR_SUFFIX) if self.candidates else (SR_SUFFIX,)

    def write(self, target: Target) -> None:
        """A segment and a measurement group per candidate, and a group of the patient."""
        sources, wanted = self.study.headers(self.wanted.input), self.wanted
        made: Dataset | None = None
        if self.candidates:
            segments = tuple(
                self._segment(each, color) for each, color in zip(self.candidates, self.colors, strict=True)
            )
            labelled = Labelled(wanted.series_description, wanted.content_label, segments)
            affine = self.study.volume(wanted.input).affine
            made = write_segmentation(self.labels, affine, sources, labelled, target.model, target.segmentation)
        uids = [str(item.TrackingUID) for item in made.SegmentSequence] if made is not None else []
        groups = [self._of_patient(), *(self._of(each, uid) for each, uid in zip(self.candidates, uids, strict=True))]
        title, others = wanted.series_description, self.study.others(wanted.input)
        write_report(groups, sources, made, title, wanted.procedure, target.model, target.report, others)

    def _segment(self, each: Candidate, color: str) -> Segment:
        return replace(self.wanted.candidate, value=each.number, label=name_of(each, self.wanted), color=color)

    def _of_patient(self) -> sr.Group:
        return sr.Group(
            label="Patient",
            uid=highdicom.UID(),
            site=self.wanted.site,
            quantities=(
                sr.Quantity(sr.CANDIDATES, len(self.candidates), sr.NO_UNITS),
                sr.Quantity(sr.WEAKER, len(self.weaker), sr.NO_UNITS),  # which may have the patient's score
                _score(self.patient_score),
            ),
        )

    def _of(self, each: Candidate, uid: str) -> sr.Group:
        return sr.Group(
            label=name_of(each, self.wanted),
            uid=uid,
            finding=self.wanted.candidate.type,
            category=self.wanted.candidate.category,
            site=self.wanted.site,
            quantities=(
                _score(each.score),
                sr.Quantity(sr.VOLUME, round(each.volume_ml, ML_DIGITS), sr.MILLILITER),
                sr.Quantity(sr.DIAMETER, round(each.diameter_mm, MM_DIGITS), sr.MILLIMETER, sr.MAXIMUM),
            ),
            segment=each.number,
        )


def _score(value: float) -> sr.Quantity:
    return sr.Quantity(sr.SCORE, round(value, SCORE_DIGITS), sr.NO_UNITS)


def _many(count: int) -> str:
    return f"{count} candidate{'' if count == 1 else 's'}"
