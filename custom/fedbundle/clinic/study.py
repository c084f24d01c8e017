"""A study as the network meets it: which series play the roles, read by the same rules as at ingest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset

from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.contract import NOT_FINITE, SKULL_ABSENT, SKULL_PRESENT, WRONG_CHANNELS, Breach, breaches
from fedbundle.dicom.gate.roles import Choice, choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.header import text
from fedbundle.dicom.inputs import Input, read_inputs
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series, survey
from fedbundle.errors import DicomError, InputError, NoUsableSeriesError

UNFIT = {  # no network can make anything of such voxels; what to do
    WRONG_CHANNELS: "send the series again from the PACS",
    NOT_FINITE: "send the series again from the PACS",
    SKULL_PRESENT: "send the series from which a program has removed the skull",
    SKULL_ABSENT: "send the series with its skull",
}


@dataclass(frozen=True, eq=False)
class Study:
    """The images of one study that are used, and what became of all others."""

    choice: Choice
    rules: dict[str, dict[str, Any]]  # `inputs` of configs/ingest.json, in their order
    inputs: dict[str, Input]  # role -> what the network gets; without optional roles that nothing can play
    breaches: dict[str, list[Breach]]  # role -> what of it breaks the bundle's data contract
    damaged: int  # files of the study that cannot be read

    def volume(self, role: str) -> Volume:
        """The voxels of a role."""
        return self.inputs[role].volume

    def headers(self, role: str) -> tuple[Dataset, ...]:
        """Source images of a role, in the order of its slices before any resampling."""
        return self.choice.chosen[role].headers

    def others(self, role: str) -> list[Dataset]:
        """Source images of all roles but one, each once."""
        own = {text(header, "SOPInstanceUID") for header in self.headers(role)}
        found = {text(header, "SOPInstanceUID"): header for used in self.inputs for header in self.headers(used)}
        return [header for uid, header in found.items() if uid not in own]


def read_study(folder: Path, bundle: Bundle, scratch: Path) -> Study:
    """Choose the series that a bundle wants among all below `folder`, and read them.

    Raises:
        InputError: no such folder, no DICOM in it, or files of more than one study.
        NoUsableSeriesError: no series can play a role that the bundle needs, or its voxels are no numbers.
        DicomError: pixels are of no known quantity, or volumes cannot be brought onto one grid.
    """
    rules = checked_rules(bundle.ingest_rules)
    series, damaged = _one_study(folder)
    choice = choose(series, rules)
    lost: dict[str, DicomError] = {}
    inputs = read_inputs(choice.require(), rules["inputs"], scratch, lost=lost)
    choice = choice.without({role: _told(error) for role, error in lost.items()})
    broken = {
        role: breaches(each.volume.array, each.volume.spacing, rules["inputs"][role]) for role, each in inputs.items()
    }
    for role, found in broken.items():
        for breach in found:
            if breach.code in UNFIT:
                raise NoUsableSeriesError(
                    f"images must be such as the network can take, got {breach.code} in {role} ({breach.detail}); "
                    f"{UNFIT[breach.code]}"
                )
    return Study(choice, rules["inputs"], inputs, broken, damaged)


def _told(error: DicomError) -> tuple[str, str]:
    """Reason code and detail of what hinders reading."""
    return getattr(error, "reason", "UNREADABLE_PIXELS"), getattr(error, "detail", "it cannot be decoded")


def _one_study(folder: Path) -> tuple[list[Series], int]:
    """Series of the study, and how many of its files cannot be read."""
    if not folder.is_dir():
        raise InputError(f"study must be a folder with DICOM files, got {folder}; check the path")
    found = survey(folder)
    if not found.series:
        raise InputError(f"study must hold DICOM images, got none in {found.files} files; check the path")
    studies = len(found.studies())
    if studies > 1:
        raise InputError(
            f"study must be a folder with the files of one study, got {studies} studies; give the folder of one"
        )
    return found.series, len(found.damaged)
