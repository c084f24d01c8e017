"""The volumes of a study that play a bundle's roles, in the quantity or look and on the grid that the bundle wants.

Ingest and predict both read them here, so a network meets in the clinic what it was trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedbundle.dicom.pixels.deface import DefaceError, deface
from fedbundle.dicom.pixels.displayed import DisplayError, displayed
from fedbundle.dicom.pixels.register import RegistrationError, register
from fedbundle.dicom.pixels.resample import PADDING, resampled
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.quantities.adc import adc_scale
from fedbundle.dicom.quantities.quantity import Scale
from fedbundle.dicom.quantities.suv import suv_scale
from fedbundle.dicom.series import Series
from fedbundle.errors import DicomError

NO_OVERLAP = "NO_OVERLAP"
LEAST_COVERED = 0.25  # share of the grid; diffusion of a small field of view covers so much of a T2
DIGITS = 7  # of a factor in a log; float32 has no more
INPUT_CODES = ("NO_ADC_UNIT", RegistrationError.reason, NO_OVERLAP, DisplayError.reason, DefaceError.reason)


class OverlapError(DicomError):
    """A volume covers too little of the grid on which a role wants it; `detail` tells the share."""

    reason = NO_OVERLAP

    def __init__(self, covered: float) -> None:
        self.detail = f"covers {covered:.0%} of the grid, wanted at least {LEAST_COVERED:.0%}"
        super().__init__(f"volume must lie on the grid that its role wants, got one that {self.detail}")


@dataclass(frozen=True)
class Input:
    """What one role gets, and what a log may tell of how it was made."""

    volume: Volume
    told: dict[str, Any]  # "quantity", "grid" and "defaced", where the role asks for them


def read_inputs(
    chosen: Mapping[str, Series],
    rules: Mapping[str, Any],
    scratch: Path,
    deface_command: Sequence[str] = (),
    lost: dict[str, DicomError] | None = None,
) -> dict[str, Input]:
    """Read the chosen series; `pixels` turns them into a quantity, `resample_to` brings them onto another's voxels.

    Args:
        chosen: role -> sound series, with the scanner's own headers.
        rules: `inputs` of configs/ingest.json, checked.
        scratch: folder for temporary files that show the patient; its owner clears it, also after a kill.
        deface_command: program that removes the faces of roles with the rule `deface`; without it they stay.
        lost: where given, an optional role that cannot be read is left out, and its error stands here.

    Raises:
        DefaceError: the program did not remove a face.
        ColourError: the channels of a colour image differ.
        DisplayError: a radiograph does not tell how it is shown.
        QuantityError: the quantity of the pixels is not known.
        RegistrationError: frames of reference differ and the volumes cannot be registered.
        OverlapError: a volume covers too little of the grid.
        DicomError: a file cannot be read or decoded.
        OutputError: there is no room in `scratch`.
    """

    def of_each(step: Callable[[str], Input]) -> dict[str, Input]:
        done = {}
        for role in (role for role in chosen if role not in (lost or ())):
            try:
                done[role] = step(role)
            except DicomError as error:
                if lost is None or "optional" not in rules[role]:
                    raise
                lost[role] = error
        return done

    units = of_each(lambda role: _in_units(chosen[role], rules[role].get("pixels"), scratch))
    grids = of_each(lambda role: _on_grid(units[role], units, rules[role].get("resample_to")))
    return of_each(
        lambda role: _defaced(grids[role], deface_command, scratch) if "deface" in rules[role] else grids[role]
    )


def _in_units(series: Series, pixels: str | None, scratch: Path) -> Input:
    if pixels == "displayed":
        return Input(displayed(series, scratch).volume, {})
    volume = Volume.of(series)
    if pixels is None:
        return Input(volume, {})
    scale = suv_scale(series) if pixels == "suvbw" else adc_scale(series, volume.array)
    scaled = volume.array * np.float32(scale.factor) + np.float32(scale.offset)
    return Input(Volume(scaled, volume.affine, volume.frame_of_reference_uid), {"quantity": _told(scale)})


def _told(scale: Scale) -> dict[str, Any]:
    told = {"name": scale.quantity, "units": scale.units, "factor": float(f"{scale.factor:.{DIGITS}g}"), "by": scale.by}
    return told | ({"offset": float(f"{scale.offset:.{DIGITS}g}")} if scale.offset else {})


def _defaced(read: Input, command: Sequence[str], scratch: Path) -> Input:
    if not command:
        return Input(read.volume, read.told | {"defaced": "no, no program for it"})
    volume, share = deface(read.volume, command, scratch)
    return Input(volume, read.told | {"defaced": {"by": Path(command[0]).name, "removed": round(share, 4)}})


def _on_grid(read: Input, others: Mapping[str, Input], onto: str | None) -> Input:
    if onto is None:
        return read
    grid = others[onto].volume
    same = read.volume.frame_of_reference_uid == grid.frame_of_reference_uid
    motion = None if same else register(grid, read.volume)
    volume, covered = resampled(read.volume, grid, motion.matrix if motion else None)
    if covered < LEAST_COVERED:
        raise OverlapError(covered)
    told: dict[str, Any] = {"of": onto, "interpolation": "linear", "padding": PADDING, "covered": round(covered, 4)}
    told["frame_of_reference"] = "same" if same else "registered"
    return Input(volume, read.told | {"grid": told | ({"registration": motion.told()} if motion else {})})
