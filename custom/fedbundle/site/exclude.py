"""`fedbundle ingest --exclude`: takes patients out of a dataset for good, and says which runs had used them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedbundle.bundle.layout import NAME
from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.errors import InputError
from fedbundle.files import read_json
from fedbundle.site.cases.take import owners_of
from fedbundle.site.datalist import known_patients, lacking, rebuild
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.excluded import exclusions, record_exclusions
from fedbundle.site.folder import DATALIST, JOURNAL, JUDGED, PAGE, working_in
from fedbundle.site.home import SiteHome, records_of
from fedbundle.site.ingest import open_bundle, rules_of
from fedbundle.site.journal import Journal, patients_of, used
from fedbundle.site.sources import local_source, local_studies
from fedbundle.site.versions import remember_version, versions
from fedbundle.site.wording import many

MOST_TOLD = 20


@dataclass(frozen=True)
class Exclusion:
    """What an exclusion did; counts and pseudonyms only."""

    patients: int  # named by the list, or sharing a study with one who is
    cases: int  # taken out of the dataset now
    splits: dict[str, int]  # section -> cases left; empty without a dataset
    runs: tuple[dict[str, Any], ...]  # job, time, recipe_digest, dataset, patients by section
    unknown_runs: int  # of which nobody knows who was in their dataset
    elsewhere: tuple[str, ...]  # bundles whose datasets still hold one of the patients
    warnings: tuple[str, ...] = ()
    shared: int = 0  # of the patients, those whom the list does not name

    def data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "excluded": {"patients": self.patients, "cases": self.cases},
            "not_on_the_list": self.shared,
            "splits": self.splits,
            "runs": list(self.runs),
            "runs_of_unknown_version": self.unknown_runs,
            "also_in": list(self.elsewhere),
            "warnings": list(self.warnings),
        }

    def text(self) -> str:
        """For people."""
        left = ", ".join(f"{count} {section}" for section, count in self.splits.items())
        gone = f"{many(self.cases, 'case was', 'cases were')} taken out now"
        lines = [f"{many(self.patients, 'patient is', 'patients are')} excluded; {gone}"]
        if self.shared:
            lines.append(f"  {many(self.shared, 'is', 'are')} not on the list, but got a study of those who are")
        lines += [f"  left in the dataset: {left}"] if left else []
        lines += [f"  warning: {warning}" for warning in self.warnings]
        lines += [f"  still in the dataset of {name}; exclude them there as well" for name in self.elsewhere]
        lines += [] if self.runs else ["  no run on record had used them"]
        for run in self.runs:
            told = ", ".join(f"{count} in {section}" for section, count in run["patients"].items() if count)
            lines.append(f"  run {run['job']} of {run['time']} had used them: {told}")
        if self.unknown_runs:
            lines.append(f"  {many(self.unknown_runs, 'run')} used a version that versions.jsonl does not know")
        return "\n".join(lines)


def exclude(home: SiteHome, bundle: str, listed: Path, out: Path | None = None, dicom: Path | None = None) -> Exclusion:
    """Take patients out: their files, lines and items, and remember it; all studies of a patient go.

    A study that was given to several patients, as when the PACS corrected its PatientID, takes all of them out.
    The exclusion is remembered first. So after an interruption the same command, or any ingest, completes it.

    Args:
        home: the site; its key makes the pseudonyms.
        bundle: name of an installed bundle, or a bundle folder.
        listed: text file, one PatientID, StudyInstanceUID, or pseudonym of a patient or case per line.
        out: dataset folder; default: the site's folder for this bundle. Where there is no dataset yet, the exclusion
            is only remembered.
        dicom: folder or zip whose studies may be named as well, before they are ingested.

    Raises:
        InputError: the list cannot be read or is empty, a line of it names nobody known, or `dicom` cannot be read;
            nothing is changed then.
        BundleError: the bundle's configs/ingest.json cannot be used.
        OutputError: the dataset or the site home cannot be written.
    """
    entries = _entries(listed)
    opened = open_bundle(home, bundle)
    rules, bundle = rules_of(opened), opened.name
    dataset = out.expanduser().resolve() if out else home.place_for_dataset(bundle)
    if not (dataset / JOURNAL).is_file():
        patients, named = _resolved(entries, _Known(home, bundle, {}, dicom))
        record_exclusions(home, bundle, patients)
        return _told(home, bundle, set(patients), named, 0, {})
    with working_in(dataset):
        known = known_patients(dataset, bundle)
        journal = Journal.open(dataset / JOURNAL)
        patients, named = _resolved(entries, _Known(home, bundle, journal.cases, dicom))
        record_exclusions(home, bundle, patients)
        before = sum(map(used, journal.cases.values()))
        journal.drop_excluded(patients, {study for studies in patients.values() for study in studies})
        (dataset / PAGE).unlink(missing_ok=True)  # shows every case; the next ingest makes it anew
        (dataset / JUDGED).unlink(missing_ok=True)  # tells of every file; the next run makes it anew
        left = {patient: section for patient, section in known.items() if patient not in patients}
        splits = {name: counts["cases"] for name, counts in rebuild(dataset, bundle, journal, left, rules).items()}
        remember_version(home, dataset, bundle)
    told = _told(home, bundle, set(patients), named, before - sum(splits.values()), splits)
    return replace(told, warnings=tuple(lacking(splits, rules["splits"])))


class _Known:
    """All patients and studies that an entry of the list may name, and every patient whom a study was ever given."""

    def __init__(self, home: SiteHome, bundle: str, cases: dict[str, list[dict[str, Any]]], dicom: Path | None) -> None:
        self.key = home.key()
        self.cases: dict[str, str] = {case: lines[0]["patient"] for case, lines in cases.items()}
        self.owners: dict[str, set[str]] = defaultdict(set)  # keyed digest of a study -> its patients
        for line in (line for lines in cases.values() for line in lines if "study" in line):
            self.owners[line["study"]] |= patients_of([line])
        self.patients = {*self.cases.values()}
        for line in versions(home, bundle):
            self.patients |= {patient for section in line["patients"].values() for patient in section}
        for line in exclusions(home, bundle):
            self.patients.add(line["patient"])
            for study in line["studies"]:
                self.owners[study].add(line["patient"])
        for study in local_studies(home, local_source(dicom)) if dicom else ():
            self.owners[pseudonym(self.key, "study", study[0].study_uid)] |= owners_of(study, self.key)
        self.patients.update(*self.owners.values())

    def named(self, entry: str) -> set[str]:
        """Pseudonyms of the patients whom an entry names; empty when that is nobody."""
        of_id = (pseudonym(self.key, kind, entry) for kind in ("patient", "patient of study"))
        found = {entry, *of_id} & self.patients
        found |= {self.cases[entry]} if entry in self.cases else set()
        return found | self.owners.get(pseudonym(self.key, "study", entry), set())

    def with_shared(self, patients: set[str]) -> set[str]:
        """These patients and all who share a study with one of them: for the PACS they are one person, or were."""
        found, before = set(patients), 0
        while len(found) > before:
            before = len(found)
            found.update(*(owners for owners in self.owners.values() if owners & found))
        return found

    def studies_of(self, patient: str) -> list[str]:
        """Keyed digests of the studies of a patient."""
        return sorted(study for study, owners in self.owners.items() if patient in owners)


def _entries(path: Path) -> dict[int, str]:
    """Line number -> what it names."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise InputError(f"--exclude must be a readable text file, got {reason} for {path}; check it") from error
    entries = {number: line.strip() for number, line in enumerate(lines, start=1) if line.strip()}
    if not entries:
        raise InputError("--exclude must name at least one patient or study, got an empty file; check it")
    return entries


def _resolved(entries: dict[int, str], known: _Known) -> tuple[dict[str, list[str]], int]:
    """Studies by patient, for all patients whom the list names or who share a study with them; how many it names."""
    found = {number: known.named(entry) for number, entry in entries.items()}
    if nobody := [str(number) for number, patients in found.items() if not patients]:
        told = ", ".join(nobody[:MOST_TOLD]) + (", ..." if len(nobody) > MOST_TOLD else "")
        where = f"{'line' if len(nobody) == 1 else 'lines'} {told}"
        raise InputError(
            "--exclude must name patients or studies that this dataset or --dicom knows, got nobody known in "
            f"{len(nobody)} of {len(found)} entries ({where}); mend them; nobody was taken out"
        )
    named = set().union(*found.values())
    return {patient: known.studies_of(patient) for patient in sorted(known.with_shared(named))}, len(named)


def _told(home: SiteHome, bundle: str, patients: set[str], named: int, cases: int, splits: dict[str, int]) -> Exclusion:
    held = {line["dataset"]: line["patients"] for line in versions(home, bundle)}
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    unknown = set()
    for run in records_of(home, "runs.jsonl", {"job", "bundle", "dataset"}):
        if run["bundle"] != bundle:
            continue
        if run["dataset"] not in held:
            unknown.add((run["job"], run["dataset"]))
            continue
        counts = {section: len(patients & set(held[run["dataset"]].get(section, []))) for section in SECTIONS}
        if any(counts.values()):
            runs.setdefault((run["job"], run["dataset"]), run | {"patients": counts})
    return Exclusion(
        len(patients),
        cases,
        splits,
        tuple(runs.values()),
        len(unknown),
        _elsewhere(home, bundle, patients),
        shared=len(patients) - named,
    )


def _elsewhere(home: SiteHome, bundle: str, patients: set[str]) -> tuple[str, ...]:
    """Other bundles whose dataset at its usual place lists one of the patients."""
    found = []
    for name in sorted(_bundles(home) - {bundle}):
        listing = home.dataset_dir(name) / DATALIST
        if listing.is_file() and patients & set(read_json(listing).get("patients", {})):
            found.append(name)
    return tuple(found)


def _bundles(home: SiteHome) -> set[str]:
    """Bundles that have a dataset here, installed or not."""
    made = {entry.name for entry in (home.path / "datasets").iterdir() if NAME.fullmatch(entry.name)}
    return {*made, *home.settings["datasets"]}
