"""The gate: can a series be trusted as one volume, and does it fit the role a bundle asks for?

Every reason code is told in docs/reference/reason-codes.md. No detail quotes free text, names, dates or UIDs of the
source.
"""

from dataclasses import dataclass
from typing import Any

from fedbundle.dicom.gate.objects import OBJECT_CHECKS, PLACE_CHECKS, is_coloured, is_projection
from fedbundle.dicom.gate.overrides import GREY_IF_EQUAL
from fedbundle.dicom.gate.rules import ROLE_CODES, misfit
from fedbundle.dicom.gate.split import SPLIT_CODES, split
from fedbundle.dicom.gate.stack import KIND_CHECKS, STEP_CHECKS
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Series

USED = "USED"
LEAST_SLICES = 3  # fewer cannot show that their spacing is constant
SOUNDNESS_CODES = (*OBJECT_CHECKS, *PLACE_CHECKS, *KIND_CHECKS, "TOO_FEW_SLICES", *STEP_CHECKS)
GATE_CODES = tuple(dict.fromkeys(("WRONG_MODALITY", *SPLIT_CODES, *SOUNDNESS_CODES, *ROLE_CODES)))


@dataclass(frozen=True)
class Verdict:
    """Used or refused, with a reason code and a detail that names no patient."""

    used: bool
    code: str
    detail: str


def candidates(series: Series, role: dict[str, Any]) -> list[tuple[Series, Verdict]]:
    """The volumes of a series that a role may choose among, each judged; the series itself where none is split off.

    Args:
        series: as `scan` returns it.
        role: one entry of `inputs` in a bundle's configs/ingest.json.
    """
    with tolerant():
        if wrong := _modality(series, role):
            return [(series, Verdict(False, *wrong))]
    volumes, refusal = split(series, role)
    if refusal:
        return [(series, Verdict(False, *refusal))]
    return [(volume, examine(volume, role)) for volume in volumes]


def examine(series: Series, role: dict[str, Any] | None = None) -> Verdict:
    """Judge a series as one volume by its headers: first whether it is sound, then whether it fits the role.

    The first check that finds something refuses. A slice missing at either end of a series cannot be seen in its
    files. A radiograph (Modality CR, DX or RG) is one image, without a place in the patient.

    Args:
        series: as `scan` or `split` returns it.
        role: one entry of `inputs` in a bundle's configs/ingest.json; None = soundness only.
    """
    wanted = role or {}
    with tolerant():
        refusal = _modality(series, wanted) or _soundness(series, wanted) or misfit(series, wanted)
    if refusal:
        return Verdict(False, *refusal)
    return Verdict(True, USED, "sound and fits the role" if role else "sound")


def _modality(series: Series, role: dict[str, Any]) -> tuple[str, str] | None:
    named = role.get("modality", [])
    wanted = [named] if isinstance(named, str) else named
    if not wanted or all(text(header, "Modality") in wanted for header, _ in series.kinds("Modality")):
        return None
    return "WRONG_MODALITY", f"wanted {' or '.join(wanted)}"


def _soundness(series: Series, role: dict[str, Any]) -> tuple[str, str] | None:
    for code, check in OBJECT_CHECKS.items():
        if (detail := check(series)) and not (code == "NOT_GREYSCALE" and _may_be_grey(series, role)):
            return code, detail
    count = len(series.headers)
    if is_projection(series):
        return ("MIXED_SERIES", f"{count} radiographs, each is a volume of its own") if count > 1 else None
    for code, check in (PLACE_CHECKS | KIND_CHECKS).items():
        if detail := check(series):
            return code, detail
    if count < LEAST_SLICES:
        return "TOO_FEW_SLICES", f"{count} slices, wanted at least {LEAST_SLICES}"
    for code, check in STEP_CHECKS.items():
        if detail := check(series):
            return code, detail
    return None


def _may_be_grey(series: Series, role: dict[str, Any]) -> bool:
    kinds = series.kinds("PhotometricInterpretation", "SamplesPerPixel")
    return role.get("colour") == GREY_IF_EQUAL and all(is_coloured(header) for header, _ in kinds)
