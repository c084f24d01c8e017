"""The rules of one role in a bundle's configs/ingest.json: does a sound series fit by what its headers measure?"""

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from fedbundle.dicom.diffusion import is_diffusion
from fedbundle.dicom.geometry import distances, nearest_plane
from fedbundle.dicom.header import codes, number, text
from fedbundle.dicom.series import Series
from fedbundle.errors import BundleError

Check = Callable[[Series, Any], str]  # series and the rule's value -> why it does not fit, or ""
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
    return rules


def misfit(series: Series, role: dict[str, Any]) -> tuple[str, str] | None:
    """First rule that a sound series breaks, as reason code and detail; None when it fits the role."""
    for rule, (code, check) in RULES.items():
        if rule in role and (detail := check(series, role[rule])):
            return code, detail
    return None


def described(series: Series, patterns: list[str]) -> bool:
    """One of the patterns is found in the names that the hospital gave to the series."""
    names = " | ".join(text(series.first, name) for name in NAMES)
    return any(re.search(pattern, names, re.IGNORECASE) for pattern in patterns)


@cache
def _validator() -> Draft202012Validator:
    schema = files("fedbundle.dicom").joinpath("ingest.schema.json").read_text(encoding="utf-8")
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
        found = measure(series)
        low, high = wanted.get("min", float("-inf")), wanted.get("max", float("inf"))
        if found is None:
            return f"{told} is not given"
        return "" if low <= found <= high else f"{told} {found:g} {unit}, wanted {low:g} to {high:g}"

    return check


def _body_part(series: Series, wanted: list[str]) -> str:
    found = {text(header, "BodyPartExamined").upper() for header, _ in series.kinds("BodyPartExamined")} - {""}
    return f"not one of {', '.join(wanted)}" if found - set(wanted) else ""


def _description(series: Series, wanted: dict[str, list[str]]) -> str:
    for pattern in wanted.get("none", ()):
        if described(series, [pattern]):
            return f"the hospital's name for it matches {pattern!r}"
    return ""


def _min_slices(series: Series, least: int) -> str:
    count = len(series.headers)
    return f"{count} slices, wanted at least {least}" if count < least else ""


def pixel_spacing_mm(series: Series) -> float | None:
    """Larger of the two pixel spacings."""
    found = series.planes[0]
    return max(found.spacing) if found else None


def slice_step_mm(series: Series) -> float | None:
    """Median distance between neighbouring slices; None for a single slice or slices that are not parallel."""
    planes = [found for found in series.planes if found]
    if len(planes) < 2 or any(abs(found.normal @ planes[0].normal) < PARALLEL for found in planes):
        return None
    return float(np.median(np.diff(distances(planes))))


RULES: dict[str, tuple[str, Check]] = {
    "orientation": ("WRONG_ORIENTATION", _orientation),
    "diffusion": ("WRONG_DIFFUSION", _diffusion),
    "original": ("DERIVED", _original),
    "image_type": ("WRONG_IMAGE_TYPE", _codes("ImageType", "Image Type")),
    "scanning_sequence": ("WRONG_SEQUENCE", _codes("ScanningSequence", "scanning sequence")),
    "echo_time_ms": ("WRONG_ECHO_TIME", _range(lambda s: number(s.first, "EchoTime"), "echo time", "ms")),
    "repetition_time_ms": (
        "WRONG_REPETITION_TIME",
        _range(lambda s: number(s.first, "RepetitionTime"), "repetition time", "ms"),
    ),
    "pixel_spacing_mm": ("WRONG_PIXEL_SPACING", _range(pixel_spacing_mm, "pixel spacing", "mm")),
    "slice_step_mm": ("WRONG_SLICE_STEP", _range(slice_step_mm, "slice step", "mm")),
    "body_part": ("WRONG_BODY_PART", _body_part),
    "description": ("WRONG_DESCRIPTION", _description),
    "min_slices": ("TOO_FEW_SLICES", _min_slices),
}
ROLE_CODES = tuple(code for code, _ in RULES.values())
