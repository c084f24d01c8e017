"""The rules of one role in a bundle's configs/ingest.json: does a sound series fit by what its headers measure?"""

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from pydicom.dataset import Dataset

from fedbundle.dicom.diffusion import is_calculated, is_diffusion
from fedbundle.dicom.gate.objects import PROJECTIONS, is_projection
from fedbundle.dicom.gate.overrides import ACCEPT, REFUSE
from fedbundle.dicom.geometry import distances, nearest_plane
from fedbundle.dicom.header import codes, number, numbers, text
from fedbundle.dicom.patient import age_years, body_part
from fedbundle.dicom.quantities.quantity import QuantityError
from fedbundle.dicom.quantities.suv import suv_scale
from fedbundle.dicom.series import Series
from fedbundle.errors import BundleError

Check = Callable[[Series, Any], str]  # series and the rule's value -> why it does not fit, or ""
PIXELS = {"suvbw": {"PT"}, "adc": {"MR"}, "displayed": PROJECTIONS}  # values of the rule `pixels` -> modalities
PARALLEL = 0.999  # least cosine between the normals of parallel slices
NAMES = ("SeriesDescription", "ProtocolName")  # searched by patterns, never quoted


def checked_rules(rules: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a configs/ingest.json when it keeps the schema.

    Raises:
        BundleError: a key or value is not allowed, or a pattern is no regular expression.
    """
    for error in sorted(_validator().iter_errors(rules), key=lambda found: found.json_path):
        raise BundleError(
            f"configs/ingest.json must keep its schema, got at {error.json_path}: {error.message}; mend it"
        )
    for role, wanted in rules["inputs"].items():
        for pattern in [found for kind in wanted.get("description", {}).values() for found in kind]:
            try:
                re.compile(pattern)
            except re.error as error:
                raise BundleError(f"pattern of {role} must be a regular expression, got: {error}; mend it") from error
        _check_pixels(role, wanted)
        if "optional" in wanted:
            _check_optional(role, rules["inputs"])
        if "resample_to" in wanted:
            _check_grid(role, rules["inputs"])
        for name, limits in wanted.get("contract", {}).items():
            if isinstance(limits, dict) and limits.get("min", -np.inf) > limits.get("max", np.inf):
                raise BundleError(f"contract of {role} must have a min up to its max, got more for {name}; mend it")
        if "deface" in wanted and _named(wanted["modality"]) & PROJECTIONS:
            raise BundleError(f"deface needs volumes, got the radiograph {role}; mend it")
    return rules


def _check_pixels(role: str, wanted: dict[str, Any]) -> None:
    named = wanted["modality"]
    if (pixels := wanted.get("pixels")) and not _named(named) <= PIXELS[pixels]:
        right = " or ".join(sorted(PIXELS[pixels]))
        raise BundleError(f"modality of {role} with pixels {pixels!r} must be {right}, got {named}; mend it")


def _check_optional(role: str, inputs: dict[str, Any]) -> None:
    """Masks are drawn on the first role, and others may lie on another's voxels: those must be there."""
    bearing = {next(iter(inputs)), *(wanted.get("resample_to") for wanted in inputs.values())}
    if role in bearing:
        raise BundleError(
            f"optional must be a role that bears no mask and no other role, got {role}, which is the first or named by "
            "resample_to; mend it"
        )


def _check_grid(role: str, inputs: dict[str, Any]) -> None:
    """Masks are drawn on the first role, so its grid stays; a chain of grids would hang on the order of roles."""
    onto = inputs[role]["resample_to"]
    grid = inputs.get(onto)
    if role == next(iter(inputs)) or onto == role or grid is None or "resample_to" in grid:
        raise BundleError(
            f"resample_to of {role} must name another role that keeps its own grid, and the first role keeps its own, "
            f"got {onto!r}; mend it"
        )
    for name, wanted in ((role, inputs[role]), (onto, grid)):
        if PROJECTIONS & _named(wanted["modality"]):
            raise BundleError(f"resample_to needs volumes, got the radiograph {name}; mend it")


def _named(modality: str | list[str]) -> set[str]:
    return {modality} if isinstance(modality, str) else set(modality)


def misfit(series: Series, role: dict[str, Any]) -> tuple[str, str] | None:
    """First rule that a sound series breaks, as reason code and detail; None when it fits the role.

    Where a rule is broken that the site may override, the others of that kind are told in the detail too.
    """
    wanted = (PROJECTION_RULES | role) if is_projection(series) else role
    broken = (
        (code, detail) for rule, (code, check) in RULES.items() if (detail := _broken(check, rule, series, wanted))
    )
    first = next(broken, None)
    if first is None or first[0] not in SITE_CODES:
        return first
    return first[0], "; also ".join([first[1], *(f"{code}: {detail}" for code, detail in broken)])


def _broken(check: Check, rule: str, series: Series, role: dict[str, Any]) -> str:
    return check(series, role[rule]) if rule in role else ""


def described(series: Series, patterns: list[str]) -> bool:
    """One of the patterns is found in the names that the hospital gave to the series."""
    names = " | ".join(text(series.first, name) for name in NAMES)
    return any(re.search(pattern, names, re.IGNORECASE) for pattern in patterns)


@cache
def _validator() -> Draft202012Validator:
    schema = files("fedbundle.dicom.gate").joinpath("ingest.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _orientation(series: Series, wanted: str) -> str:
    found = series.planes[0]
    name, angle = nearest_plane(found.normal) if found else ("unknown", 0.0)
    return "" if name == wanted else f"{name} ({angle:.0f} degrees off that plane), wanted {wanted}"


def _original(series: Series, _: bool) -> str:
    kinds = {codes(header, "ImageType")[:1] for header, _ in series.kinds("ImageType")}
    return "" if kinds == {("ORIGINAL",)} else "Image Type is not ORIGINAL"


def _diffusion(series: Series, wanted: bool) -> str:
    headers = [header for header, _ in series.kinds("ImageType", "DiffusionDirectionality", "SequenceName")]
    found = any((b or 0) > 0 for b in series.b_values) or any(map(is_diffusion, headers))
    return "" if found == wanted else f"{'' if found else 'not '}diffusion-weighted or a map made from such"


def _codes(name: str, told: str) -> Check:
    def check(series: Series, wanted: dict[str, list[str]]) -> str:
        found = {code for header, _ in series.kinds(name) for code in codes(header, name)}
        unwanted = sorted(found & set(wanted.get("none", ())))
        if unwanted:
            return f"{told} {' and '.join(unwanted)}, which the role excludes"
        if "any" in wanted and not found & set(wanted["any"]):
            return f"{told} is not one of {', '.join(wanted['any'])}"
        return ""

    return check


def _range(
    measure: Callable[[Series], float | None], told: str, unit: str
) -> Callable[[Series, dict[str, float]], str]:
    def check(series: Series, wanted: dict[str, float]) -> str:
        return _outside(measure(series), wanted, told, unit)

    return check


def _outside(found: float | None, wanted: dict[str, Any], told: str, unit: str) -> str:
    if found is None:
        return f"{told} is not given"
    low, high = wanted.get("min", float("-inf")), wanted.get("max", float("inf"))
    return "" if low <= found <= high else f"{told} {found:g} {unit}, wanted {low:g} to {high:g}"


def _of_first(name: str) -> Callable[[Series], float | None]:
    return lambda series: number(series.first, name)


def _body_part(series: Series, wanted: list[str]) -> str:
    return f"not one of {', '.join(wanted)}" if _body_parts(series) - {"", *wanted} else ""


def _body_part_required(series: Series, wanted: bool) -> str:
    return "no body part is named" if wanted and "" in _body_parts(series) else ""


def _body_parts(series: Series) -> set[str]:
    return {body_part(header) for header, _ in series.kinds("BodyPartExamined", "AnatomicRegionSequence")}


def _view(series: Series, wanted: list[str]) -> str:
    found = {text(header, "ViewPosition").upper() for header, _ in series.kinds("ViewPosition")} - {""}
    return f"not one of {', '.join(wanted)}" if found - set(wanted) else ""


def _description(series: Series, wanted: dict[str, list[str]]) -> str:
    if described(series, wanted.get("also", [])):
        return ""
    for pattern in wanted.get("none", ()):
        if described(series, [pattern]):
            return f"the hospital's name for it matches {pattern!r}"
    if "any" in wanted and not described(series, wanted["any"]):
        return "the hospital's name for it matches no pattern that the role wants"
    return ""


def _b_value(series: Series, wanted: dict[str, Any]) -> str:
    found = set(series.b_values)
    if len(found) > 1 or None in found:
        return "b-value is not given"
    calculated = any(
        is_calculated(header) for header, _ in series.kinds("ImageType", "SeriesDescription", "SequenceName")
    )
    if wanted.get("calculated") in (True, False) and calculated != wanted["calculated"]:
        return f"{'calculated' if calculated else 'measured'}, wanted the other"
    return _outside(found.pop(), wanted, "b-value", "s/mm2")


def _corrected(series: Series, wanted: list[str]) -> str:
    for header, _ in series.kinds("CorrectedImage"):
        if missing := sorted(set(wanted) - set(codes(header, "CorrectedImage"))):
            return f"not corrected for {', '.join(missing)}"
    return ""


def _age(series: Series, wanted: dict[str, Any]) -> str:
    ages = {age_years(header) for header, _ in series.kinds("PatientAge", "PatientBirthDate", "StudyDate")}
    if None in ages:
        return "" if wanted.get("unknown") == ACCEPT else "the patient's age is not given"
    low, high = wanted.get("min", 0), wanted.get("max", float("inf"))
    inside = all(age is not None and low <= age <= high for age in ages)
    return "" if inside else f"the patient's age is not within {low:g} to {high:g} years"


def _placeholder(series: Series, wanted: str) -> str:
    if wanted == ACCEPT or not is_projection(series) or detector_spacing_mm(series.first) != (1.0, 1.0):
        return ""
    return "rows and columns are exactly 1 mm apart"


def _spaced(series: Series, _: bool) -> str:
    spacing = detector_spacing_mm(series.first)
    return "" if spacing and min(spacing) > 0 else "no pixel spacing"


def detector_spacing_mm(header: Dataset) -> tuple[float, float] | None:
    """Distance of rows and of columns of a radiograph: Pixel Spacing, else Imager Pixel Spacing (at the detector)."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        if found := numbers(header, name, 2):
            return found[0], found[1]
    return None


def _pixels(series: Series, wanted: str) -> str:
    """The unit of an ADC map is told by its voxels where no header does, so it is judged when they are read."""
    if wanted != "suvbw":
        return ""
    try:
        suv_scale(series)
    except QuantityError as error:
        return error.detail
    return ""


def _min_slices(series: Series, least: int) -> str:
    count = len(series.headers)
    return f"{count} slices, wanted at least {least}" if count < least else ""


def pixel_spacing_mm(series: Series) -> float | None:
    """Larger of the two pixel spacings."""
    found = series.planes[0]
    if found is None and is_projection(series):
        spacing = detector_spacing_mm(series.first)
        return max(spacing) if spacing else None
    return max(found.spacing) if found else None


def slice_step_mm(series: Series) -> float | None:
    """Median distance between neighbouring slices; None for a single slice or slices that are not parallel."""
    planes = [found for found in series.planes if found]
    if len(planes) < 2 or any(abs(found.normal @ planes[0].normal) < PARALLEL for found in planes):
        return None
    return float(np.median(np.diff(distances(planes))))


RULES: dict[str, tuple[str, Check]] = {
    "body_part": ("WRONG_BODY_PART", _body_part),
    "body_part_required": ("WRONG_BODY_PART", _body_part_required),
    "view": ("WRONG_VIEW", _view),
    "orientation": ("WRONG_ORIENTATION", _orientation),
    "diffusion": ("WRONG_DIFFUSION", _diffusion),
    "original": ("DERIVED", _original),
    "image_type": ("WRONG_IMAGE_TYPE", _codes("ImageType", "Image Type")),
    "b_value": ("WRONG_B_VALUE", _b_value),
    "scanning_sequence": ("WRONG_SEQUENCE", _codes("ScanningSequence", "scanning sequence")),
    "echo_time_ms": ("WRONG_ECHO_TIME", _range(_of_first("EchoTime"), "echo time", "ms")),
    "repetition_time_ms": ("WRONG_REPETITION_TIME", _range(_of_first("RepetitionTime"), "repetition time", "ms")),
    "inversion_time_ms": ("WRONG_INVERSION_TIME", _range(_of_first("InversionTime"), "inversion time", "ms")),
    "corrected": ("NOT_CORRECTED", _corrected),
    "spacing": ("MISSING_GEOMETRY", _spaced),
    "pixel_spacing_mm": ("WRONG_PIXEL_SPACING", _range(pixel_spacing_mm, "pixel spacing", "mm")),
    "slice_step_mm": ("WRONG_SLICE_STEP", _range(slice_step_mm, "slice step", "mm")),
    "description": ("WRONG_DESCRIPTION", _description),
    "min_slices": ("TOO_FEW_SLICES", _min_slices),
    "age_years": ("AGE_OUT_OF_RANGE", _age),
    "placeholder_spacing": ("PLACEHOLDER_SPACING", _placeholder),
    "pixels": ("NO_SUV", _pixels),
}
ROLE_CODES = tuple(dict.fromkeys(code for code, _ in RULES.values()))
PROJECTION_RULES = {"spacing": True, "placeholder_spacing": REFUSE}  # unless the role says otherwise
LAST_CODES = frozenset({"NO_SUV"})  # of the last rule: the series keeps all others, so it was meant for the role
SITE_CODES = frozenset({"AGE_OUT_OF_RANGE", "PLACEHOLDER_SPACING"})  # of rules that a site may override
