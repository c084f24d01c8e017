"""What a bundle's result means and how it goes back as DICOM: `configs/dicom_out.json`, a class per kind."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from pydicom.sr.coding import Code

from fedbundle.dicom.seg.segments import Labelled, Segment
from fedbundle.errors import BundleError, InputError
from fedbundle.files import read_json

CONFIG = "configs/dicom_out.json"


@dataclass(frozen=True)
class DicomOut:
    """What all kinds of results have in common."""

    title: str
    input: str  # role on whose grid the result lies
    series_description: str
    procedure: Code  # Procedure reported, of the SR
    inputs: dict[str, str]  # role -> what a reader calls it

    def name_of(self, role: str) -> str:
        """What a reader calls a role."""
        return self.inputs.get(role, role)

    @property
    def mask_colors(self) -> dict[int, str]:
        """Colours of the values of a mask that the bundle is trained on."""
        return {}


@dataclass(frozen=True)
class SegmentationOut(DicomOut):
    """A label map."""

    labelled: Labelled
    total: str | None  # name of all segments together, where that is one thing
    plausible_ml: tuple[float, float] | None  # of the total

    @property
    def mask_colors(self) -> dict[int, str]:
        """Of the segments."""
        return {segment.value: segment.color for segment in self.labelled.segments}


@dataclass(frozen=True)
class DetectionOut(DicomOut):
    """A map of candidates, each of one score."""

    candidate: Segment  # what each of them is; its value and label get a number
    content_label: str
    site: Code
    largest_ml: float | None  # a larger candidate asks for a second look
    report_from: float  # weaker candidates are counted only
    unsure: tuple[float, float]  # scores that ask for a second look

    @property
    def mask_colors(self) -> dict[int, str]:
        """Of what the candidates stand for."""
        return {self.candidate.value: self.candidate.color}


@dataclass(frozen=True)
class Category:
    """One class of a classification."""

    value: int
    label: str
    code: Code
    positive: bool
    group: Code | None  # of a published classification, where one fits
    color: str  # sRGB, #rrggbb


@dataclass(frozen=True)
class ClassificationOut(DicomOut):
    """Probabilities of classes, for each side of the body that a film shows."""

    site: Code
    both_sides_from_mm: float  # width of the film, at the detector
    near_tie: float  # least distance of the two best classes that is taken as a decision
    positive: str  # what the positive classes are together
    positive_code: Code
    unsure: tuple[float, float]  # probabilities of it that ask for a second look
    classes: tuple[Category, ...]  # by rising value
    grouping: Code | None  # the published classification

    def of(self, value: int) -> Category:
        """The class of a value."""
        return next(each for each in self.classes if each.value == value)


@dataclass(frozen=True)
class RiskOut(DicomOut):
    """Risk of a later event, for each side of the body that a film shows."""

    site: Code
    both_sides_from_mm: float  # width of the film, at the detector
    event: str  # what may come
    event_code: Code
    horizons_years: tuple[int, ...]  # rising
    factors: dict[str, str]  # column of the table -> what a reader calls it


@dataclass(frozen=True)
class AnomalyOut(DicomOut):
    """Residuals by sign, and what of them lies above the site's limits."""

    bright: Segment
    dark: Segment
    content_label: str


def read_dicom_out(bundle_root: Path) -> DicomOut:
    """Read `configs/dicom_out.json` of a bundle.

    Raises:
        BundleError: it is absent or breaks its schema, or two segments or classes share a value.
    """
    try:
        content = read_json(bundle_root / CONFIG)
    except InputError as error:
        raise BundleError(f"bundle must say in {CONFIG} what its results mean, got: {error.__cause__}") from error
    for problem in sorted(_validator().iter_errors(content), key=lambda found: found.json_path):
        raise BundleError(f"{CONFIG} must keep its schema, got at {problem.json_path}: {problem.message}; mend it")
    for key in ("segments", "classes"):
        values = [entry["value"] for entry in content.get(key, ())]
        if len(set(values)) < len(values):
            raise BundleError(f"{key} in {CONFIG} must have different values, got one twice; mend it")
    common = {key: content[key] for key in ("title", "input", "series_description")}
    common |= {"procedure": _code(content["procedure"]), "inputs": content.get("inputs", {})}
    return KINDS[content.get("kind", "segmentation")](common, content)


def _segmentation(common: dict[str, Any], content: dict[str, Any]) -> DicomOut:
    segments = tuple(_segment(entry, entry["value"]) for entry in content["segments"])
    total = content.get("total", {})
    plausible = total.get("plausible_ml")
    return SegmentationOut(
        **common,
        labelled=Labelled(content["series_description"], content["content_label"], segments),
        total=total.get("label"),
        plausible_ml=tuple(plausible) if plausible else None,
    )


def _detection(common: dict[str, Any], content: dict[str, Any]) -> DicomOut:
    low, high = content["unsure"]
    return DetectionOut(
        **common,
        candidate=_segment(content["candidate"], 1),
        content_label=content["content_label"],
        site=_code(content["candidate"]["site"]),
        largest_ml=content["candidate"].get("largest_ml"),
        report_from=content["report_from"],
        unsure=(low, high),
    )


def _classification(common: dict[str, Any], content: dict[str, Any]) -> DicomOut:
    low, high = content["unsure"]
    classes = [
        Category(
            entry["value"],
            entry["label"],
            _code(entry["code"]),
            entry.get("positive", False),
            _code(entry["group"]) if "group" in entry else None,
            entry["color"],
        )
        for entry in content["classes"]
    ]
    return ClassificationOut(
        **common,
        site=_code(content["site"]),
        both_sides_from_mm=content["both_sides_from_mm"],
        near_tie=content["near_tie"],
        positive=content["positive"]["label"],
        positive_code=_code(content["positive"]["code"]),
        unsure=(low, high),
        classes=tuple(sorted(classes, key=lambda each: each.value)),
        grouping=_code(content["grouping"]) if "grouping" in content else None,
    )


def _risk(common: dict[str, Any], content: dict[str, Any]) -> DicomOut:
    return RiskOut(
        **common,
        site=_code(content["site"]),
        both_sides_from_mm=content["both_sides_from_mm"],
        event=content["event"]["label"],
        event_code=_code(content["event"]["code"]),
        horizons_years=tuple(sorted(content["horizons_years"])),
        factors=dict(content["factors"]),
    )


def _anomaly(common: dict[str, Any], content: dict[str, Any]) -> DicomOut:
    signs = content["signs"]
    return AnomalyOut(
        **common,
        bright=_segment(signs["bright"], 1),
        dark=_segment(signs["dark"], 2),
        content_label=content["content_label"],
    )


def _segment(entry: dict[str, Any], value: int) -> Segment:
    return Segment(value, entry["label"], _code(entry["category"]), _code(entry["type"]), entry["color"])


def _code(entry: dict[str, str]) -> Code:
    return Code(entry["value"], entry["scheme"], entry["meaning"])


@cache
def _validator() -> Draft202012Validator:
    schema = files("fedbundle.dicom.seg").joinpath("dicom_out.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


KINDS = {
    "segmentation": _segmentation,
    "detection": _detection,
    "classification": _classification,
    "risk": _risk,
    "anomaly": _anomaly,
}
