"""One study in, one case out: chosen series as NIfTI, its mask, kept DICOM, and a line per series."""

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from fedbundle.dicom.burned_in import find_text
from fedbundle.dicom.deidentify import deidentify, patient_pseudonym, pseudonym
from fedbundle.dicom.displayed import DisplayError
from fedbundle.dicom.gate import USED, candidates
from fedbundle.dicom.geometry import Array
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.inputs import Input, OverlapError, read_inputs
from fedbundle.dicom.objects import is_projection
from fedbundle.dicom.overrides import with_site
from fedbundle.dicom.quantity import QuantityError
from fedbundle.dicom.rebase import Rebase
from fedbundle.dicom.register import RegistrationError
from fedbundle.dicom.roles import NOT_PREFERRED, Choice, Decision, choose
from fedbundle.dicom.rules import misfit
from fedbundle.dicom.series import Series
from fedbundle.dicom.sources.announced import Announced, shortfall
from fedbundle.dicom.technical import technical
from fedbundle.dicom.volume import ColourError, Volume, save_nifti
from fedbundle.errors import DicomError, OutputError
from fedbundle.files import folder_sha256, new_file, new_folder, sha256, writing
from fedbundle.site.folder import JOURNAL, SUBFOLDERS, case_entries, clear, remove
from fedbundle.site.journal import Line, dicom_of, files_of, used
from fedbundle.site.labels.label_map import read_label_map
from fedbundle.site.labels.study import Labels, Row, StudyLabels
from fedbundle.site.refusal import MISSING_INSTANCES, RefusedError


@dataclass(frozen=True)
class Workplace:
    """What is the same for all studies of a run."""

    dataset: Path
    key: bytes  # the site's secret
    rules: dict[str, Any]  # configs/ingest.json
    labels: Labels | None
    keep_dicom: bool
    suffix: str = ".nii.gz"  # of images and masks
    rebase: bool = False  # geometry goes to another place and direction
    reviewed: frozenset[str] = frozenset()  # cases in whose pixels a person has looked for text
    site: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # role -> what site.toml adds to its rules

    @property
    def all_rules(self) -> dict[str, Any]:
        """Rules of bundle and site, whose words may stand in the lines of a study."""
        return self.rules | {"site": self.site}

    @cached_property
    def rules_digest(self) -> str:
        """Tells whether a case was made by these rules."""
        site = [json.dumps(self.site, sort_keys=True)] if self.site else []
        return pseudonym(self.key, "rules", json.dumps(self.rules, sort_keys=True), *site)


@dataclass(frozen=True)
class Outcome:
    """What became of a study; `lines` go into the journal."""

    case: str
    patient: str
    code: str  # USED, or why not
    lines: list[Line]
    resumed: bool = False  # an earlier run had finished it
    kept: bool = False  # refused now, but the case of an earlier run stays


def case_of(study: list[Series], key: bytes) -> tuple[str, str]:
    """Pseudonyms of case and patient, the same in every run."""
    patient = patient_pseudonym(study[0].first, key)
    return pseudonym(key, "case", patient, study[0].study_uid), patient


def mark_of(study_uid: str, announced: Mapping[str, Announced], place: Workplace) -> str:
    """Keyed digest of all that decides about a study but its images: series and counts, rules, mask."""
    counts = [f"{uid} {told.instances}" for uid, told in sorted(announced.items())]
    return pseudonym(place.key, "announced", study_uid, *counts, *_asked_of(study_uid, place))


def unchanged(case: str, lines: list[Line], place: Workplace) -> Outcome | None:
    """The case of an earlier run as it stands, if its files are as that run left them."""
    if not _intact(lines, place):
        return None
    return Outcome(case, lines[0]["patient"], USED, lines, resumed=True)


def take(
    study: list[Series],
    place: Workplace,
    journal: Mapping[str, list[Line]],
    damaged: int = 0,
    announced: Mapping[str, Announced] | None = None,
) -> Outcome:
    """Bring one study into the dataset, or say why not; a study that an earlier run finished is left as it is.

    A worse copy of a study never takes away the case that a better one gave: as long as the rules are the same, the
    case of the earlier run stays, and the refusal is told.

    Args:
        study: all series of one StudyInstanceUID.
        place: what to do it with.
        journal: lines of earlier runs by case.
        damaged: files that lie among those of the study and cannot be read.
        announced: series as the source counts them, where it can.

    Raises:
        OutputError: the dataset cannot be written, which no other study would survive either.
    """
    case, patient = case_of(study, place.key)
    before = journal.get(case)
    choice: Choice | None = None
    short = shortfall(study, announced or {})
    try:
        _whole(study, damaged)
        choice = choose(study, place.rules, place.site)
        _complete(study, choice, short, announced or {}, place)
        if choice.code != USED:
            raise RefusedError(choice.code, choice.detail)
        labels = _labels_of(study[0].study_uid, place)
        source = _fingerprint(choice, study[0].study_uid, place)
        if before and _made_from(before, source) and _intact(before, place):
            return Outcome(case, patient, USED, before, resumed=True)
        motion = Rebase.of(place.key, study[0].study_uid) if place.rebase else None
        made = _write(case, choice, labels, place, motion)
    except OutputError:
        if not before:  # half a case: its label without its image
            clear(place.dataset, case)
        raise
    except RefusedError as error:
        reason, detail = error.reason, error.detail
    except Exception as error:  # one bad study never stops the rest; what it was stands in the log, never its words
        reason, detail = "UNEXPECTED_ERROR", type(error).__name__
    else:
        lines = _lines(case, patient, study, place, choice, short)
        _add_what_was_made(lines, source, made, labels.rows)
        return Outcome(case, patient, USED, lines)
    if before and used(before) and before[0].get("rules") == place.rules_digest and _intact(before, place):
        return Outcome(case, patient, reason, before, kept=True)
    return Outcome(case, patient, reason, _lines(case, patient, study, place, choice, short, (reason, detail)))


def _whole(study: list[Series], damaged: int) -> None:
    """The study is of one patient, and no file of it is lost."""
    if damaged:
        raise RefusedError("DAMAGED_FILE", f"{damaged} files among its images are empty or have no readable header")
    with tolerant():
        patients = {text(header, "PatientID") for series in study for header, _ in series.kinds("PatientID")}
    if len(patients) > 1:
        raise RefusedError("MIXED_PATIENTS", f"{len(patients)} patient ids in one study")


def _complete(
    study: list[Series], choice: Choice, short: Mapping[str, str], announced: Mapping[str, Announced], place: Workplace
) -> None:
    """No series is short that was chosen, or that might have been had all of it arrived."""
    present = {series.uid: series for series in study}
    chosen = {series.uid for series in choice.chosen.values()}
    roles = with_site(place.rules, place.site)["inputs"].values()
    for uid, detail in short.items():
        wanted = [role for role in roles if announced[uid].modality in ("", *_modalities(role))]
        might = uid not in present or any(_might_fit(present[uid], role) for role in wanted)
        if uid in chosen or (wanted and might):
            raise RefusedError(MISSING_INSTANCES, detail)


def _modalities(role: dict[str, Any]) -> list[str]:
    named = role.get("modality", [])
    return [named] if isinstance(named, str) else named


def _might_fit(series: Series, role: dict[str, Any]) -> bool:
    """A volume of the series fits by all that slices which did not arrive could not change."""
    lasting = {name: rule for name, rule in role.items() if name not in ("min_slices", "slice_step_mm")}
    with tolerant():
        return any(misfit(volume, lasting) is None for volume, _ in candidates(series, lasting))


def _write(case: str, choice: Choice, labels: StudyLabels, place: Workplace, motion: Rebase | None) -> dict[str, Line]:
    """Write the files of a case, after all of it was read; role -> what its line tells of them and of their making."""
    label = place.rules.get("label") if place.labels else None
    inputs = _read(choice.chosen, place)
    if case not in place.reviewed:
        _refuse_text(choice, inputs)
    labelled = next(iter(place.rules["inputs"]))  # masks are drawn on the first input
    series, image = choice.chosen[labelled], inputs[labelled].volume
    mask = read_label_map(labels.files, series, image, label) if label else None
    with writing(place.dataset):
        return _put(case, choice.chosen, inputs, mask, place, motion)


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
            save_nifti(array, affine, part, name.endswith(".gz"))
            return {"path": name, "sha256": sha256(part)}

        if place.keep_dicom:
            folder = stack.enter_context(new_folder(place.dataset / "dicom" / case, make_parents=False))
            _keep_dicom(folder, chosen, place, motion)
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
    """Remove what an earlier run made of a case under another suffix or role, and DICOM that is not kept any more."""
    if not place.keep_dicom and (place.dataset / "dicom" / case).exists():
        shutil.rmtree(place.dataset / "dicom" / case)
    current = {place.dataset / file["path"] for line in made.values() for file in line["files"].values()}
    for entry in case_entries(place.dataset, case):
        if entry.is_file() and entry not in current:
            remove(entry)


def _read(chosen: dict[str, Series], place: Workplace) -> dict[str, Input]:
    try:
        return read_inputs(chosen, place.rules["inputs"])
    except ColourError as error:
        raise RefusedError("NOT_GREYSCALE", "its colour channels differ") from error
    except (DisplayError, QuantityError, RegistrationError, OverlapError) as error:
        raise RefusedError(error.reason, error.detail) from error
    except DicomError as error:
        raise RefusedError("UNREADABLE_PIXELS", "a slice cannot be decoded") from error


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


def _labels_of(study_uid: str, place: Workplace) -> StudyLabels:
    """What the labels say of a study; nothing when none are given or wanted."""
    if place.labels is None or not {"label", "table"} & place.rules.keys():
        return StudyLabels()
    found = place.labels.studies.get(study_uid)
    if found is None:
        raise RefusedError("LABEL_MISSING", "the labels do not name this study")
    if found.fault:
        raise RefusedError("LABEL_VALUES", found.fault)
    return found


def _keep_dicom(folder: Path, chosen: Mapping[str, Series], place: Workplace, motion: Rebase | None) -> None:
    with tolerant():
        for role, series in chosen.items():
            (folder / role).mkdir()
            for number, file in enumerate(dict.fromkeys(series.files), start=1):  # a file may hold many frames
                try:
                    image = deidentify(dcmread(file), place.key, motion)
                except DicomError as error:
                    raise RefusedError("NOT_DEIDENTIFIABLE", "a slice cannot be de-identified") from error
                except OSError as error:  # of the source, not of the dataset
                    raise RefusedError("UNREADABLE_PIXELS", "a slice cannot be read") from error
                image.save_as(folder / role / f"{number:04d}.dcm", enforce_file_format=True)


def _fingerprint(choice: Choice, study_uid: str, place: Workplace) -> str:
    """Keyed digest of all that a case is made from; a change of any of it makes the case anew."""
    parts = _asked_of(study_uid, place)
    for role, series in choice.chosen.items():
        parts += [role, series.told, *(text(header, "SOPInstanceUID") for header in series.headers)]
        parts += [_digest(file) for file in dict.fromkeys(series.files)]  # one mended in place may keep size and time
    return pseudonym(place.key, "source", *parts)


def _asked_of(study_uid: str, place: Workplace) -> list[str]:
    """What a case is made from beside the images."""
    parts = [place.rules_digest, repr(place.keep_dicom), place.suffix, repr(place.rebase)]
    if labels := place.labels.studies.get(study_uid) if place.labels else None:
        parts += [_digest(file) for file in labels.files]
        parts.append(json.dumps(labels.rows, sort_keys=True))
    return parts


def _digest(file: Path) -> str:
    """SHA-256 of a file of the source; where there is none that can be read, whoever needs its content will say so."""
    try:
        return sha256(file)
    except OSError:
        return "none"


def _made_from(lines: list[Line], source: str) -> bool:
    """An earlier run made a case of this source."""
    return used(lines) and all(line["source"] == source for line in lines if line["role"])


def _intact(lines: list[Line], place: Workplace) -> bool:
    """The files of a case are as the earlier run left them."""
    dataset, files, folders = place.dataset, files_of(lines).values(), dicom_of(lines)
    if place.keep_dicom and {line["role"] for line in lines if line["role"]} != folders.keys():
        return False
    with writing(dataset):
        return all((dataset / f["path"]).is_file() and sha256(dataset / f["path"]) == f["sha256"] for f in files) and (
            not place.keep_dicom or all(folder_sha256(dataset / f["path"]) == f["sha256"] for f in folders.values())
        )


def _add_what_was_made(lines: list[Line], source: str, what: dict[str, Line], rows: tuple[Row, ...]) -> None:
    """Complete the lines of the chosen series; rows of the table stand in the first of them."""
    made = [line for line in lines if line["role"]]
    for line in made:
        line["source"] = source
        line.update(what[line["role"]])
        if quantity := line.get("quantity"):
            line["headers"] |= {"units": quantity["units"]}
    if rows:
        made[0]["table"] = list(rows)


def _search(case: str, series: Series, place: Workplace, role: str) -> dict[str, str]:
    """What became of the search for text in a radiograph that is used."""
    if not (role and is_projection(series)):
        return {}
    return {"text_in_pixels": "a person has looked" if case in place.reviewed else "none found, nobody has looked"}


def _lines(
    case: str,
    patient: str,
    study: list[Series],
    place: Workplace,
    choice: Choice | None,
    short: Mapping[str, str],
    refusal: tuple[str, str] | None = None,
) -> list[Line]:
    """One line per series, or per role that its volumes play.

    `short` are those that did not arrive whole; `refusal` is why the study as a whole cannot be used although its
    series could be.
    """
    decisions = choice.decisions if choice else [Decision(series, "", "", "", series) for series in study]
    lines = []
    for decision in decisions:
        role = decision.role if not refusal else ""
        code, detail = decision.code, decision.detail
        if decision.series.uid in short:
            code, detail = MISSING_INSTANCES, short[decision.series.uid]
        elif refusal and code in ("", USED):
            code, detail = refusal
        lines.append(
            {
                "case": case,
                "patient": patient,
                "study": pseudonym(place.key, "study", decision.series.study_uid),
                "series": pseudonym(place.key, "series", decision.series.uid),
                "series_in_study": len(decisions),
                "decision": "used" if role else "not chosen" if code == NOT_PREFERRED else "refused",
                "role": role,
                "code": code,
                "detail": detail,
                "rules": place.rules_digest,
                "headers": technical(decision.volume),
                **_search(case, decision.volume, place, role),
            }
        )
    return lines
