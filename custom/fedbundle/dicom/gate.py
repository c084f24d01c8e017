"""The gate: can a series be trusted as one volume, and does it fit the role a bundle asks for?

Every reason code is told in docs/reference/reason-codes.md. No detail quotes free text, names, dates or UIDs of the
source.
"""

from dataclasses import dataclass
from typing import Any

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.objects import OBJECT_CHECKS
from fedbundle.dicom.rules import ROLE_CODES, misfit
from fedbundle.dicom.series import Series
from fedbundle.dicom.stack import KIND_CHECKS, STEP_CHECKS

USED = "USED"
LEAST_SLICES = 3  # fewer cannot show that their spacing is constant
SOUNDNESS_CODES = (*OBJECT_CHECKS, *KIND_CHECKS, "TOO_FEW_SLICES", *STEP_CHECKS)
GATE_CODES = tuple(dict.fromkeys(("WRONG_MODALITY", *SOUNDNESS_CODES, *ROLE_CODES)))


@dataclass(frozen=True)
class Verdict:
    """Used or refused, with a reason code and a detail that names no patient."""

    used: bool
    code: str
    detail: str


def examine(series: Series, role: dict[str, Any] | None = None) -> Verdict:
    """Judge a series by its headers: first whether it is a sound volume, then whether it fits the role.

    The first check that finds something refuses. A slice missing at either end of a series cannot be seen in its
    files.

    Args:
        series: as `scan` returns it.
        role: one entry of `inputs` in a bundle's configs/ingest.json; None = soundness only.
    """
    role = role or {}
    with tolerant():
        refusal = _modality(series, role) or _soundness(series) or misfit(series, role)
    if refusal:
        return Verdict(False, *refusal)
    return Verdict(True, USED, "sound and fits the role" if role else "sound")


def _modality(series: Series, role: dict[str, Any]) -> tuple[str, str] | None:
    wanted = role.get("modality")
    if wanted is None or all(text(header, "Modality") == wanted for header, _ in series.kinds("Modality")):
        return None
    return "WRONG_MODALITY", f"wanted {wanted}"


def _soundness(series: Series) -> tuple[str, str] | None:
    for code, check in (OBJECT_CHECKS | KIND_CHECKS).items():
        if detail := check(series):
            return code, detail
    if len(series.headers) < LEAST_SLICES:
        return "TOO_FEW_SLICES", f"{len(series.headers)} slices, wanted at least {LEAST_SLICES}"
    for code, check in STEP_CHECKS.items():
        if detail := check(series):
            return code, detail
    return None
