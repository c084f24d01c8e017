"""The data contract of a role: what its volume must be as it is written, whatever scanner or tool it came from.

Ingest, training and predict judge by this one function, so a network meets the same kind of image everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.dicom.dark_shell import SKULL_FROM, dark_shell
from fedbundle.dicom.gate.objects import PROJECTIONS

WRONG_CHANNELS = "WRONG_CHANNELS"
NOT_FINITE = "NOT_FINITE"
WRONG_SPACING = "WRONG_SPACING"
VALUE_RANGE = "VALUE_RANGE"
SKULL_PRESENT = "SKULL_PRESENT"
SKULL_ABSENT = "SKULL_ABSENT"
VOLUME_CODES = (
    WRONG_SPACING,
    NOT_FINITE,
    VALUE_RANGE,
    SKULL_PRESENT,
    SKULL_ABSENT,
)  # of what was read from DICOM, which has one channel
AXES = ("columns", "rows", "slices")
ROUNDING = 1e-4  # relative; headers of NIfTI hold spacings as float32, and matrices made of them


@dataclass(frozen=True)
class Breach:
    """One thing that the contract does not allow."""

    code: str  # reason code
    detail: str  # in numbers; tells nothing of the patient


def breaches(array: NDArray[np.generic], spacing_mm: Sequence[float], role: Mapping[str, Any]) -> list[Breach]:
    """What of a volume breaks the contract of its role, first what is worst; empty when it keeps it.

    A volume has three axes, one number per voxel and finite values whatever the role says; its rule `contract` limits
    spacing and values, and says whether a head must show its skull. Of a radiograph only columns and rows have a
    spacing. Limits of all voxels must leave room for
    noise and artefacts, so they cannot tell the unit; where the largest value must lie (`reaches`) tells it.

    Args:
        array: [slice, row, column], as a Volume holds it and as SimpleITK reads what is written.
        spacing_mm: distance of voxel centres between columns, rows and slices.
        role: rules of one role in configs/ingest.json.
    """
    contract = role.get("contract", {})
    if channels := _channels(array, role):
        return [Breach(WRONG_CHANNELS, channels)]
    flat = array.shape[0] == 1 and bool(_modalities(role) & PROJECTIONS)
    low, high = array.min(), array.max()  # NaN where one voxel is
    if not (np.isfinite(low) and np.isfinite(high)):
        count = array.size - int(np.count_nonzero(np.isfinite(array)))
        values = Breach(NOT_FINITE, f"{count} of {array.size} voxels are no finite numbers")
    else:
        values = Breach(VALUE_RANGE, _outside(float(low), float(high), contract))
    spacing = Breach(WRONG_SPACING, _misspaced(spacing_mm[:2] if flat else spacing_mm, contract.get("spacing_mm", {})))
    found = [breach for breach in (spacing, values) if breach.detail]
    return found or _of_skull(array, spacing_mm, contract.get("skull"))


def _of_skull(array: NDArray[np.generic], spacing_mm: Sequence[float], wanted: str | None) -> list[Breach]:
    """What of a head breaks the wish for one with its skull (`present`) or for a skull-stripped brain (`absent`)."""
    if wanted is None:
        return []
    share = dark_shell(array, spacing_mm)
    if share is not None and (share >= SKULL_FROM) == (wanted == "present"):
        return []
    told = (
        "no head can be seen" if share is None else f"a shell of the head is darker by {share:.2f} than those above it"
    )
    rule = f"{SKULL_FROM:g} or more, a skull" if wanted == "present" else f"less than {SKULL_FROM:g}, no skull"
    return [Breach(SKULL_ABSENT if wanted == "present" else SKULL_PRESENT, f"{told}, wanted {rule}")]


def _channels(array: NDArray[np.generic], role: Mapping[str, Any]) -> str:
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        return f"{array.ndim} axes of {array.dtype.name}, wanted 3 and one number per voxel"
    if not array.size:
        return "no voxels"
    radiograph = _modalities(role) and _modalities(role) <= PROJECTIONS
    return f"{array.shape[0]} slices, wanted one radiograph" if radiograph and array.shape[0] != 1 else ""


def _modalities(role: Mapping[str, Any]) -> set[str]:
    named = role.get("modality", [])
    return {named} if isinstance(named, str) else set(named)


def _misspaced(spacing_mm: Sequence[float], wanted: Mapping[str, float]) -> str:
    low, high = wanted.get("min", 0.0), wanted.get("max", float("inf"))
    for axis, found in zip(AXES, spacing_mm, strict=False):
        if not (low * (1 - ROUNDING) <= found <= high * (1 + ROUNDING) and 0 < found < float("inf")):
            return f"{axis} {found:g} mm apart, wanted {_told(wanted) or 'more than 0'}"
    return ""


def _outside(low: float, high: float, contract: Mapping[str, Mapping[str, float]]) -> str:
    values, reaches = contract.get("values", {}), contract.get("reaches", {})
    if not (_within(low, values) and _within(high, values)):
        return f"values {low:g} to {high:g}, wanted {_told(values)}"
    if not _within(high, reaches):
        return f"largest value {high:g}, wanted {_told(reaches)}"
    return f"all values are {low:g}, wanted an image" if reaches and low == high else ""


def _within(value: float, wanted: Mapping[str, float]) -> bool:
    least, most = (float(np.float32(wanted.get(*end))) for end in (("min", -np.inf), ("max", np.inf)))
    return least <= value <= most


def _told(wanted: Mapping[str, float]) -> str:
    if wanted.keys() >= {"min", "max"}:
        return f"{wanted['min']:g} to {wanted['max']:g}"
    return " and ".join(f"at {'least' if end == 'min' else 'most'} {limit:g}" for end, limit in wanted.items())
