"""The files of a case: chosen series as NIfTI, mask, kept DICOM; written whole, and compared with their digests."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from fedbundle.dicom.contract import breaches
from fedbundle.dicom.deid.deidentify import deidentify
from fedbundle.dicom.deid.rebase import Rebase
from fedbundle.dicom.gate.objects import is_projection
from fedbundle.dicom.gate.roles import Choice
from fedbundle.dicom.geometry import Array
from fedbundle.dicom.header import tolerant
from fedbundle.dicom.inputs import Input, OverlapError, read_inputs
from fedbundle.dicom.pixels.burned_in import find_text
from fedbundle.dicom.pixels.deface import DefaceError
from fedbundle.dicom.pixels.displayed import DisplayError
from fedbundle.dicom.pixels.register import RegistrationError
from fedbundle.dicom.pixels.volume import ColourError, Volume, save_nifti
from fedbundle.dicom.quantities.quantity import QuantityError
from fedbundle.dicom.series import Series
from fedbundle.errors import DicomError
from fedbundle.files import folder_sha256, new_file, new_folder, sha256, writing
from fedbundle.site.cases.sides import refuse_sides
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.folder import JOURNAL, SUBFOLDERS, case_entries, remove
from fedbundle.site.journal import Line, dicom_of, files_of
from fedbundle.site.labels.label_map import read_label_map
from fedbundle.site.labels.study import StudyLabels
from fedbundle.site.refusal import RefusedError


def write_case(case: str, choice: Choice, labels: StudyLabels, place: Workplace) -> tuple[dict[str, Line], Choice]:
    """Write the files of a case, after all of it was read.

    Returns:
        Role -> what its line tells of them and of their making; and the choice without optional roles that could not be
        read.
    """
    label = place.rules.get("label") if place.labels else None
    inputs, lost = _read(choice.chosen, place)
    choice = choice.without(lost)
    refuse_sides(choice, inputs, labels.rows, place.rules)
    if case not in place.reviewed:
        _refuse_text(choice, inputs)
    labelled = next(iter(place.rules["inputs"]))  # masks are drawn on the first input
    series, image = choice.chosen[labelled], inputs[labelled].volume
    mask = _mask(labels, series, image, label) if label else None
    motion = Rebase.of(place.key, series.study_uid) if place.options.rebase else None
    with writing(place.dataset):
        return _put(case, choice.chosen, inputs, mask, place, motion), choice


def _mask(labels: StudyLabels, series: Series, image: Volume, wanted: dict[str, Any]) -> NDArray[np.uint8]:
    """What was drawn on an image; nothing where the table says that there is nothing to draw."""
    if not labels.files:
        return np.zeros(image.array.shape, np.uint8)
    return read_label_map(labels.files, series, image, wanted)


def _read(chosen: dict[str, Series], place: Workplace) -> tuple[dict[str, Input], dict[str, tuple[str, str]]]:
    """The inputs within the bundle's data contract, and code and detail of each optional role that has none."""
    lost: dict[str, DicomError] = {}
    try:
        inputs = read_inputs(chosen, place.rules["inputs"], place.scratch, place.deface_command, lost)
    except DicomError as error:
        raise RefusedError(*_told(error)) from error
    unusable = {role: _told(error) for role, error in lost.items()}
    for role, each in list(inputs.items()):
        wanted = place.rules["inputs"][role]
        if broken := breaches(each.volume.array, each.volume.spacing, wanted):
            code, detail = broken[0].code, f"{role}: {broken[0].detail}"
            if "optional" not in wanted:
                raise RefusedError(code, detail)
            unusable[role] = code, detail
            del inputs[role]
    return inputs, unusable


def _told(error: DicomError) -> tuple[str, str]:
    """Reason code and detail of what hinders reading."""
    if isinstance(error, ColourError):
        return "NOT_GREYSCALE", "its colour channels differ"
    if isinstance(error, DefaceError | DisplayError | QuantityError | RegistrationError | OverlapError):
        return error.reason, error.detail
    return "UNREADABLE_PIXELS", "a slice cannot be decoded"


def _refuse_text(choice: Choice, inputs: Mapping[str, Input]) -> None:
    """Radiographs that seem to hold text wait for a person; cassettes and film scanners write names into pixels."""
    for role, each in inputs.items():
        series = choice.chosen[role]
        if not is_projection(series):
            continue
        kept = Volume.of(series)  # a window or shutter may hide here what kept DICOM still shows, or bring it out
        if found := find_text(each.volume.array[0]) or find_text(kept.array[0]):
            place = f"row {found[0].row}, column {found[0].column}"
            raise RefusedError("TEXT_IN_PIXELS", f"{len(found)} pieces of what may be text, the longest at {place}")


def _put(
    case: str,
    chosen: Mapping[str, Series],
    inputs: Mapping[str, Input],
    mask: NDArray[np.uint8] | None,
    place: Workplace,
    motion: Rebase | None,
) -> dict[str, Line]:
    """Put the files of a case into a dataset whose folder is still there; a disk that has gone is not begun anew.

    All are written under temporary names before the first takes its place. So a full disk leaves nothing of a new case
    and all of the one that an earlier run made.
    """
    (place.dataset / JOURNAL).stat()
    for name in SUBFOLDERS:
        (place.dataset / name).mkdir(exist_ok=True)
    label, labelled = place.rules.get("label"), next(iter(place.rules["inputs"]))
    made: dict[str, Line] = {role: {"files": {}, **each.told} for role, each in inputs.items()}
    with ExitStack() as stack:

        def put(name: str, array: NDArray[np.generic], affine: Array) -> dict[str, str]:
            part = stack.enter_context(new_file(place.dataset / name, make_parents=False))
            digest = save_nifti(array, affine, part, name.endswith(".gz"))
            return {"path": name, "sha256": digest}

        if place.keep_dicom:
            folder = stack.enter_context(new_folder(place.dataset / "dicom" / case, make_parents=False))
            _keep_dicom(folder, chosen, place, motion, reviewed=case in place.reviewed)
            for role in chosen:
                made[role]["dicom"] = {"path": f"dicom/{case}/{role}", "sha256": folder_sha256(folder / role)}
        for role, each in inputs.items():
            volume, files = each.volume, made[role]["files"]
            if motion and not is_projection(chosen[role]):  # whose affine tells nothing of the patient
                volume = replace(volume, affine=motion.affine(volume.affine))
            if label and mask is not None and role == labelled:
                files[label["key"]] = put(f"labels/{case}_{label['key']}{place.suffix}", mask, volume.affine)
            files[role] = put(f"images/{case}_{role}{place.suffix}", volume.compact(), volume.affine)
    _remove_former(case, made, place)
    return made


def _remove_former(case: str, made: Mapping[str, Line], place: Workplace) -> None:
    """Remove what an earlier run made of a case under another suffix or role."""
    current = {place.dataset / file["path"] for line in made.values() for file in line["files"].values()}
    for entry in case_entries(place.dataset, case):
        if entry.is_file() and entry not in current:
            remove(entry)


def _keep_dicom(
    folder: Path, chosen: Mapping[str, Series], place: Workplace, motion: Rebase | None, *, reviewed: bool
) -> None:
    with tolerant():
        for role, series in chosen.items():
            (folder / role).mkdir()
            looked_at = reviewed and is_projection(series)
            for number, file in enumerate(dict.fromkeys(series.files), start=1):  # a file may hold many frames
                try:
                    image = deidentify(dcmread(file), place.key, place.options, motion, reviewed=looked_at)
                except DicomError as error:
                    raise RefusedError("NOT_DEIDENTIFIABLE", "a slice cannot be de-identified") from error
                except OSError as error:  # of the source, not of the dataset
                    raise RefusedError("UNREADABLE_PIXELS", "a slice cannot be read") from error
                image.save_as(folder / role / f"{number:04d}.dcm", enforce_file_format=True)


def as_recorded(lines: list[Line], dataset: Path) -> bool:
    """The files of a case are as the run left them that made it."""
    files, folders = files_of(lines).values(), dicom_of(lines).values()
    with writing(dataset):
        return all(
            (dataset / f["path"]).is_file() and sha256(dataset / f["path"]) == f["sha256"] for f in files
        ) and all(folder_sha256(dataset / f["path"]) == f["sha256"] for f in folders)


def as_wanted(lines: list[Line], place: Workplace) -> bool:
    """The files of a case are as recorded, and all that this run would write is among them."""
    dicom = {line["role"] for line in lines if line["role"]} if place.keep_dicom else set[str]()
    return dicom <= dicom_of(lines).keys() and as_recorded(lines, place.dataset)
