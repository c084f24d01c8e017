"""`fedbundle ingest`: DICOM of any source becomes a checked, de-identified dataset that a bundle can train on.

    <dataset>/datalist.json   MONAI datalist; the sections, and which patient belongs to which
              ingest.jsonl    one line per series: used or refused, and why
              images/ labels/ dicom/<case>/
              .incoming/      copies of what is being read, while an ingest runs

Every file appears whole or not at all, a study's lines follow its files, and the datalist comes last. So an
interrupted run can be run again: finished studies are recognised by keyed pseudonyms and digests, the rest is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fedbundle.bundle.layout import NAME, Bundle
from fedbundle.dicom.gate import USED
from fedbundle.dicom.identifiers import DATE
from fedbundle.dicom.rules import checked_rules
from fedbundle.dicom.series import Survey
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.source import Source
from fedbundle.errors import BundleError, InputError, ResidualError, TooManyRefusedError
from fedbundle.files import read_json, write_json
from fedbundle.site.budget import RefusalBudget
from fedbundle.site.case import Outcome, Workplace, mark_of, take, unchanged
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.folder import DATALIST, JOURNAL, case_entries, case_of_entry, remove, spool_of, working_in
from fedbundle.site.home import SiteHome
from fedbundle.site.journal import Journal, encoded, files_of, used
from fedbundle.site.labels import LabelSheet
from fedbundle.site.refusal import IDENTIFIER_LEFT, MISSING_INSTANCES, NOT_AT_SOURCE
from fedbundle.site.report import Report
from fedbundle.site.residual import leaking, needles, source_identifiers
from fedbundle.site.splits import assign

UNMISTAKABLE = 12  # characters; shorter ids of one patient turn up by chance among the numbers of another


def ingest(
    home: SiteHome,
    bundle: str,
    source: Source,
    labels: Path | None = None,
    out: Path | None = None,
    max_refused: str = "5%",
    keep_dicom: bool = False,
) -> Report:
    """Bring all studies of a source into the dataset of a bundle.

    Args:
        home: the site; its key makes the pseudonyms.
        bundle: name of an installed bundle, or a bundle folder.
        source: where the studies come from.
        labels: CSV with study_instance_uid and mask; with it, a study without a mask is refused.
        out: dataset folder; default: the site's folder for this bundle.
        max_refused: budget of refused studies, "5%" or "3".
        keep_dicom: also write the de-identified DICOM of the chosen series.

    Raises:
        InputError: a path or value cannot be used, or the source holds no DICOM.
        PacsError: a server is gone or lets nobody in; finished studies are kept, and the next run goes on from there.
        BundleError: the bundle's configs/ingest.json cannot be used.
        OutputError: the dataset cannot be written.
        ResidualError: an identifier was found in what was written; those cases have been removed.
        TooManyRefusedError: the budget is exceeded; everything else has been written.
    """
    budget = RefusalBudget.parse(max_refused)
    opened = _bundle(home, bundle)
    rules = _rules(opened)
    dataset = out.expanduser().resolve() if out else home.place_for_dataset(opened.name)
    place = Workplace(dataset, home.key(), rules, LabelSheet.read(labels) if labels else None, keep_dicom)
    source.check(dataset)
    with working_in(dataset), spool_of(dataset) as spool:
        known = _known_patients(dataset, opened.name)
        journal = Journal.open(dataset / JOURNAL)
        _never_unlabel(journal, place)
        done = _take_all(source, spool, place, journal)
        splits = _finish(journal, place, opened.name, known)
        _refuse_leaking_lists(dataset, done.names, rules)
    masks = _masks(journal, place) if "label" in rules else None
    report = Report(dataset, done.files, done.skipped, done.damaged, tuple(done.outcomes), splits, masks)
    return _judged(report, budget)


def _bundle(home: SiteHome, bundle: str) -> Bundle:
    if NAME.fullmatch(bundle) and home.bundle_dir(bundle).is_dir():
        return Bundle.open(home.bundle_dir(bundle))
    if not Path(bundle).is_dir():
        raise InputError(f"--bundle must be an installed bundle or a bundle folder, got {bundle}; install it first")
    return Bundle.open(Path(bundle))


def _rules(bundle: Bundle) -> dict[str, Any]:
    rules = checked_rules(bundle.ingest_rules)
    if "splits" not in rules:
        raise BundleError(
            f"configs/ingest.json of {bundle.name} must say how to split patients; add the object 'splits'"
        )
    return rules


def _known_patients(dataset: Path, bundle: str) -> Mapping[str, str]:
    if not (dataset / DATALIST).is_file():
        return {}
    listed = read_json(dataset / DATALIST)
    if listed.get("bundle") != bundle:
        raise InputError(f"dataset must be of bundle {bundle}, got one of {listed.get('bundle')}; choose another --out")
    patients: dict[str, str] = listed["patients"]
    return patients


def _masks(journal: Journal, place: Workplace) -> int:
    """Cases that have a mask."""
    return sum(place.rules["label"]["key"] in files_of(lines) for lines in journal.cases.values())


def _never_unlabel(journal: Journal, place: Workplace) -> None:
    if "label" in place.rules and place.labels is None and (count := _masks(journal, place)):
        raise InputError(
            f"--labels must be given again, since the dataset holds {count} cases with masks, got none; "
            "give the CSV, or another --out"
        )


@dataclass
class _Done:
    """What a run did so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # identifiers of the source
    files: int = 0
    skipped: int = 0
    damaged: int = 0

    def count(self, found: Survey) -> None:
        """Add files."""
        self.files += found.files
        self.skipped += found.skipped
        self.damaged += len(found.damaged)


def _take_all(source: Source, spool: Path, place: Workplace, journal: Journal) -> _Done:
    """Take one study after the other; its lines are written when its files are, and when they hold no identifier."""
    done = _Done()
    marked = {lines[0].get("announced"): case for case, lines in journal.cases.items() if used(lines)}
    for arrival in tqdm(source.arrivals(spool), desc="studies", unit=" studies", disable=None):
        announced = arrival.announced()
        mark = mark_of(arrival.study_uid, announced, place) if source.remote and announced else None
        before = unchanged(marked[mark], journal.cases[marked[mark]], place) if mark in marked and mark else None
        if announced is None:
            done.outcomes.append(Outcome("", "", NOT_AT_SOURCE, []))
        elif before:
            done.outcomes.append(before)
        else:
            with arrival.fetch() as found:
                done.count(found)
                done.outcomes.append(_take_one(arrival.study_uid, found, announced, mark, place, journal, done.names))
    done.count(source.rest())
    return done


def _take_one(
    study_uid: str,
    found: Survey,
    announced: Mapping[str, Announced],
    mark: str | None,
    place: Workplace,
    journal: Journal,
    names: set[str],
) -> Outcome:
    """Take a study whose files are here, and add its identifiers to `names`."""
    study = found.studies().get(study_uid)
    if not study:
        return Outcome("", "", MISSING_INSTANCES, [])
    outcome = take(study, place, journal.cases, len(found.damaged), announced)
    if mark and outcome.code == USED:
        outcome = replace(outcome, lines=[line | {"announced": mark} for line in outcome.lines])
    identity = source_identifiers(study)
    names |= identity
    wanted = needles(identity, place.rules)
    entries = case_entries(place.dataset, outcome.case)
    if wanted.found_in(encoded(outcome.lines)) or leaking(place.dataset, entries, wanted):
        outcome = Outcome(outcome.case, outcome.patient, IDENTIFIER_LEFT, [])
        journal.drop(outcome.case)
    else:
        journal.add(outcome.lines)
    if outcome.code != USED and not outcome.kept:
        for entry in entries:
            remove(entry)
    return outcome


def _finish(journal: Journal, place: Workplace, bundle: str, known: Mapping[str, str]) -> dict[str, int]:
    """Write the journal in order and the datalist; remove files of cases that are not in it. Cases per section."""
    journal.compact()
    cases = {case: lines for case, lines in journal.cases.items() if used(lines)}
    for entry in case_entries(place.dataset):
        if case_of_entry(entry) not in cases:
            remove(entry)
    patients = assign(known, {lines[0]["patient"] for lines in cases.values()}, place.rules["splits"])
    datalist: dict[str, Any] = {"bundle": bundle} | {section: [] for section in SECTIONS}
    for case, lines in sorted(cases.items()):
        patient, files = lines[0]["patient"], files_of(lines)
        item = {"case": case, "patient": patient} | {key: file["path"] for key, file in files.items()}
        item["sha256"] = {key: file["sha256"] for key, file in files.items()}
        datalist[patients[patient]].append(item)
    write_json(place.dataset / DATALIST, datalist | {"patients": dict(sorted(patients.items()))})
    return {section: len(datalist[section]) for section in SECTIONS}


def _refuse_leaking_lists(dataset: Path, names: set[str], rules: dict[str, Any]) -> None:
    """Search the lists as they stand on disk, for identifiers of all studies at once."""
    lists = [dataset / DATALIST, dataset / JOURNAL]
    unmistakable = {name for name in names if len(name) >= UNMISTAKABLE or DATE.fullmatch(name)}
    if leaking(dataset, lists, needles(unmistakable, rules)):
        remove(dataset / DATALIST)
        raise ResidualError(
            f"dataset must hold no identifier of the source, got one in {DATALIST} or {JOURNAL} of {dataset}; "
            f"{DATALIST} has been removed, report this as a bug"
        )


def _judged(report: Report, budget: RefusalBudget) -> Report:
    left = report.refused.get(IDENTIFIER_LEFT, 0)
    if left:
        raise ResidualError(
            f"dataset must hold no identifier of the source, got one in {left} of {len(report.outcomes)} studies; "
            "what was written of them has been removed, report this as a bug"
        )
    refused = sum(report.refused.values())
    if budget.exceeded(refused, len(report.outcomes)):
        told = ", ".join(f"{count} {code}" for code, count in report.refused.items())
        raise TooManyRefusedError(
            f"refused studies must be at most {budget.text}, got {refused} of {len(report.outcomes)} ({told}); "
            f"{report.dataset / JOURNAL} says why, mend them or raise --max-refused",
            report.text(),
            report.data(),
        )
    return report
