"""One study in, one case out, or the reason why not; a study that an earlier run finished is left as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedbundle.background import later
from fedbundle.dicom.deid.pseudonyms import patient_pseudonym, pseudonym
from fedbundle.dicom.gate.overrides import with_site
from fedbundle.dicom.gate.roles import Choice, choose
from fedbundle.dicom.gate.rules import misfit
from fedbundle.dicom.gate.verdict import USED, candidates
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Series
from fedbundle.dicom.sources.announced import Announced, shortfall
from fedbundle.errors import OutputError
from fedbundle.site.cases.files import as_recorded, as_wanted, write_case
from fedbundle.site.cases.lines import LOOKED_AT, add_what_was_made, lines_of, search_of
from fedbundle.site.cases.origin import fingerprint, made_from
from fedbundle.site.cases.outdated import other_privacy
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.folder import clear
from fedbundle.site.journal import Line, used
from fedbundle.site.labels.study import StudyLabels
from fedbundle.site.refusal import MISSING_INSTANCES, RefusedError


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


def owners_of(study: list[Series], key: bytes) -> set[str]:
    """Pseudonyms of all patients whom headers of the study name; of more than one, ingest refuses the study."""
    with tolerant():
        return {patient_pseudonym(header, key) for series in study for header, _ in series.kinds("PatientID")}


def unchanged(case: str, lines: list[Line], place: Workplace) -> Outcome | None:
    """The case of an earlier run as it stands, if its files are as that run left them."""
    if not _as_it_would_be(case, lines, place):
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

    A worse copy of a study never takes away the case that a better one gave: as long as rules and privacy settings are
    the same, the case of the earlier run stays, and the refusal is told.

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
        if before:
            _nothing_lost(study, choice, before, place)
        labels = _labels_of(study[0].study_uid, place)
        hashed = later(fingerprint, choice, study[0].study_uid, place)
        if before and made_from(before, hashed.result()) and _as_it_would_be(case, before, place):
            return Outcome(case, patient, USED, before, resumed=True)
        (made, choice), source = write_case(case, choice, labels, place), hashed.result()
    except OutputError:
        if not before:  # half a case: its label without its image
            clear(place.dataset, case)
        raise
    except RefusedError as error:
        reason, detail = error.reason, error.detail
    except Exception as error:  # one bad study never stops the rest; what it was stands in the log, never its words
        reason, detail = "UNEXPECTED_ERROR", type(error).__name__
    else:
        lines = lines_of(case, patient, study, place, choice, short)
        add_what_was_made(lines, source, made, labels.rows)
        return Outcome(case, patient, USED, lines)
    if before and used(before) and _as_asked(before, place) and as_recorded(before, place.dataset):
        return Outcome(case, patient, reason, before, kept=True)
    return Outcome(case, patient, reason, lines_of(case, patient, study, place, choice, short, (reason, detail)))


def _as_asked(lines: list[Line], place: Workplace) -> bool:
    """A case was made by the present rules and, for all that is known, under the present privacy settings."""
    return lines[0].get("rules") == place.rules_digest and not other_privacy(lines, place)


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


def _nothing_lost(study: list[Series], choice: Choice, before: list[Line], place: Workplace) -> None:
    """No series has fewer slices than the earlier run used of it, as long as what that run made still stands."""
    whole = {pseudonym(place.key, "series", series.uid): len(series.headers) for series in study}
    for line in (line for line in before if line["role"]):
        now, volume = whole.get(line["series"], 0), choice.chosen.get(line["role"])
        if volume and line.get("rules") == place.rules_digest:
            same = pseudonym(place.key, "series", volume.uid) == line["series"]
            now = len(volume.headers) if same else now  # of a series with several volumes, the one that plays the role
        if now < (then := line["headers"]["slices"]) and as_recorded(before, place.dataset):
            raise RefusedError(MISSING_INSTANCES, f"{now} slices of {then} that an earlier run used")


def _modalities(role: dict[str, Any]) -> list[str]:
    named = role.get("modality", [])
    return [named] if isinstance(named, str) else named


def _might_fit(series: Series, role: dict[str, Any]) -> bool:
    """A volume of the series fits by all that slices which did not arrive could not change."""
    lasting = {name: rule for name, rule in role.items() if name not in ("min_slices", "slice_step_mm")}
    with tolerant():
        return any(misfit(volume, lasting) is None for volume, _ in candidates(series, lasting))


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


def _as_it_would_be(case: str, lines: list[Line], place: Workplace) -> bool:
    """The files of a case are as the earlier run left them, and no person has looked at its pixels since."""
    searched = {line["text_in_pixels"] for line in lines if "text_in_pixels" in line}
    return searched <= {search_of(case, place), LOOKED_AT} and as_wanted(lines, place)
