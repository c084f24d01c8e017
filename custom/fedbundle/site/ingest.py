"""`fedbundle ingest`: DICOM of any source becomes a checked, de-identified dataset that a bundle can train on.

    <dataset>/datalist.json   MONAI datalist; the sections, and which patient belongs to which
              ingest.jsonl    one line per series: used or refused, and why
              images/ labels/ dicom/<case>/
              qc.html         the page to look at
              .qc/            what the page tells of each case
              .judged.json    what a run has found in each file by the bundle's data contract
              .incoming/      copies of what is being read, while an ingest runs

Every file appears whole or not at all, a study's lines follow its files, and the datalist comes last. So an
interrupted run can be run again: finished studies are recognised by keyed pseudonyms and digests, the rest is done.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fedbundle.bundle.layout import NAME, Bundle
from fedbundle.dicom.deid.identifiers import DATE
from fedbundle.dicom.deid.needles import Needles
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.sources.source import Source
from fedbundle.errors import BundleError, DatasetError, InputError, ResidualError, TooManyRefusedError
from fedbundle.files import writing
from fedbundle.site.budget import RefusalBudget
from fedbundle.site.cases.outdated import Outdated
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.datalist import known_patients, lacking, rebuild
from fedbundle.site.dataset import unfit_told
from fedbundle.site.defacing import heads_of
from fedbundle.site.excluded import excluded_patients, excluded_studies, record_exclusions
from fedbundle.site.folder import CASE, DATALIST, INCOMING, JOURNAL, JUDGED, PAGE, remove, working_in
from fedbundle.site.home import SiteHome
from fedbundle.site.intake import Intake
from fedbundle.site.journal import Journal, files_of, rows_of, used
from fedbundle.site.labels.source import read_labels
from fedbundle.site.present import workplace_now
from fedbundle.site.qc.make import Subject, make_page
from fedbundle.site.refusal import IDENTIFIER_LEFT
from fedbundle.site.report import Report
from fedbundle.site.residual import leaking, needles
from fedbundle.site.spool import spool
from fedbundle.site.twins import told_of, twins
from fedbundle.site.unfilled import unfilled
from fedbundle.site.versions import never_begin_anew, remember_version, sections_before
from fedbundle.site.wording import many

RENAMED = (
    "{} of the studies that were taken out came under another patient id, whose other studies are not excluded; "
    "if it is the same person, exclude that id too"
)
MISNAMED = "{} of site.toml has no effect, since no bundle of that name is installed"
FACES_LEFT = "faces are left in head scans, since site.toml names no deface_command"
UNMISTAKABLE = 12  # characters; shorter ids of one patient turn up by chance among the numbers of another


def ingest(
    home: SiteHome,
    bundle: str,
    source: Source,
    labels: Path | None = None,
    out: Path | None = None,
    max_refused: str = "5%",
    keep_dicom: bool = False,
    compress: bool = True,
    reviewed: Path | None = None,
    page: bool = True,
) -> Report:
    """Bring all studies of a source into the dataset of a bundle; patients who were taken out of it stay out.

    Args:
        home: the site; its key makes the pseudonyms.
        bundle: name of an installed bundle, or a bundle folder.
        source: where the studies come from.
        labels: CSV, or a folder of DICOM SEG and RTSTRUCT; with it, a study without its labels is refused.
        out: dataset folder; default: the site's folder for this bundle.
        max_refused: budget of refused studies, "5%" or "3".
        keep_dicom: also write the de-identified DICOM of the chosen series.
        compress: write .nii.gz, else .nii.
        reviewed: text file, one pseudonym of a case per line, in whose radiographs a person has looked for text.
        page: also write qc.html, else remove an older one.

    Raises:
        InputError: a path or value cannot be used, or the source holds no DICOM.
        PacsError: a server is gone or lets nobody in; finished studies are kept, and the next run goes on from there.
        BundleError: the bundle's configs/ingest.json cannot be used.
        SiteError: `[roles]` of site.toml names a role that the bundle does not have, `[structures]` a value that its
            label set does not have, or `[deidentify]` a program that is not there.
        OutputError: the dataset cannot be written.
        ResidualError: an identifier was found in what was written; those cases have been removed.
        DatasetError: cases that were not offered were made under other privacy settings; everything has been written,
            but no run uses the dataset.
        TooManyRefusedError: the budget is exceeded; everything else has been written.
    """
    budget = RefusalBudget.parse(max_refused)
    opened = open_bundle(home, bundle)
    dataset = out.expanduser().resolve() if out else home.place_for_dataset(opened.name)
    place = workplace_now(home, opened.name, rules_of(opened), dataset, keep_dicom=keep_dicom)
    rules = place.rules
    found = read_labels(labels, rules) if labels else None
    looked_at = _reviewed(reviewed) if reviewed else frozenset[str]()
    place = replace(place, labels=found, suffix=".nii.gz" if compress else ".nii", reviewed=looked_at)
    source.check(dataset)
    excluded, out_for_good = excluded_patients(home, opened.name), excluded_studies(home, opened.name)
    never_begin_anew(home, opened.name, dataset)
    with working_in(dataset), spool(home, dataset / INCOMING) as incoming:
        listed = known_patients(dataset, opened.name, excluded)
        journal = Journal.open(dataset / JOURNAL)
        if journal.drop_excluded(excluded, out_for_good):  # of an interrupted exclusion, or of one made elsewhere
            (dataset / PAGE).unlink(missing_ok=True)
            (dataset / JUDGED).unlink(missing_ok=True)
        _never_unlabel(journal, place)
        _never_drop_dicom(journal, place)
        done = Intake(place, journal, excluded, out_for_good)
        done.take_all(source, incoming)
        record_exclusions(home, opened.name, done.passed_over)
        outdated = Outdated.of(journal.cases, place)
        present = {lines[0]["patient"] for lines in journal.cases.values() if used(lines)}
        known = sections_before(home, opened.name, present) | listed
        splits = rebuild(dataset, opened.name, journal, known, rules, outdated.privacy)
        with writing(dataset):
            _refuse_leaking_lists(dataset, done.names, place.all_rules)
            remember_version(home, dataset, opened.name)
        cases = {section: counts["cases"] for section, counts in splits.items()}
        report = Report(
            dataset,
            done.files,
            done.skipped,
            done.damaged,
            tuple(done.outcomes),
            cases,
            _labelled(journal, place) if {"label", "table"} & rules.keys() else None,
            patients={section: counts["patients"] for section, counts in splits.items()},
            excluded=done.excluded,
            warnings=(
                *(place.labels.warnings if place.labels else ()),
                *([RENAMED.format(done.renamed)] if done.renamed else []),
                *told_of(twins(journal.cases, rules.get("label", {}).get("key"))),
                *unfilled(journal.cases),
                *map(MISNAMED.format, home.misnamed(opened.name)),
                *([FACES_LEFT] if heads_of(rules) and not place.deface_command else []),
                *outdated.warnings(),
                *lacking(cases, rules["splits"]),
            ),
            page=page,
        )
        wanted = _unmistakable(done.names, place.all_rules)
        if page:
            subject = Subject(dataset, opened, rules, journal)
            make_page(subject, report, lambda made: leaking(dataset, made, wanted))
        else:
            (dataset / PAGE).unlink(missing_ok=True)
    return _judged(report, budget, len(outdated.privacy))


def open_bundle(home: SiteHome, bundle: str) -> Bundle:
    """Open an installed bundle by its name, or a bundle folder.

    Raises:
        InputError: it is neither.
    """
    if NAME.fullmatch(bundle) and home.bundle_dir(bundle).is_dir():
        return Bundle.open(home.bundle_dir(bundle))
    if not Path(bundle).is_dir():
        known = f"installed are {', '.join(home.installed())}" if home.installed() else "install it first"
        raise InputError(f"--bundle must be an installed bundle or a bundle folder, got {bundle}; {known}")
    return Bundle.open(Path(bundle))


def rules_of(bundle: Bundle) -> dict[str, Any]:
    """configs/ingest.json of a bundle that has datasets.

    Raises:
        BundleError: it breaks its schema or says nothing of splits, or a stock bundle has none.
    """
    if bundle.stock:
        raise BundleError(
            f"{bundle.name} must hold configs/ingest.json for images to be ingested, got none; prepare its dataset "
            "yourself and bind it in site.toml, docs/how-to/federate-a-stock-bundle.md tells how"
        )
    rules = checked_rules(bundle.ingest_rules)
    if "splits" not in rules:
        raise BundleError(
            f"configs/ingest.json of {bundle.name} must say how to split patients; add the object 'splits'"
        )
    return rules


def _reviewed(path: Path) -> frozenset[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise InputError(f"--reviewed must be a readable text file, got {reason} for {path}; check it") from error
    for number, line in enumerate(lines, start=1):
        if not CASE.fullmatch(line):
            raise InputError(
                f"--reviewed must name a case by 16 hexadecimal digits per line, got another line {number}"
            )
    return frozenset(lines)


def _labelled(journal: Journal, place: Workplace) -> int:
    """Cases that have all labels that the bundle wants."""
    key = place.rules.get("label", {}).get("key")
    return sum(
        used(lines) and (key is None or key in files_of(lines)) and ("table" not in place.rules or bool(rows_of(lines)))
        for lines in journal.cases.values()
    )


def _never_unlabel(journal: Journal, place: Workplace) -> None:
    if place.labels is None and {"label", "table"} & place.rules.keys() and (count := _labelled(journal, place)):
        raise InputError(
            f"--labels must be given again, since the dataset holds {many(count, 'case')} with masks or other labels, "
            "got none; give them, or another --out"
        )


def _never_drop_dicom(journal: Journal, place: Workplace) -> None:
    """Ask for --keep-dicom again, as long as the dataset has DICOM; where its folder was removed, forget it."""
    if place.keep_dicom:
        return
    if kept := len([*(place.dataset / "dicom").glob("*")]):
        raise InputError(
            f"--keep-dicom must be given again, since the dataset holds the DICOM of {many(kept, 'case')}, got none; "
            f"give it, or remove {place.dataset / 'dicom'}"
        )
    for line in (line for lines in journal.cases.values() for line in lines):
        line.pop("dicom", None)


def _refuse_leaking_lists(dataset: Path, names: set[str], rules: dict[str, Any]) -> None:
    """Search the lists as they stand on disk, for identifiers of all studies at once."""
    lists = [dataset / DATALIST, dataset / JOURNAL]
    if leaking(dataset, lists, _unmistakable(names, rules)):
        remove(dataset / DATALIST)
        (dataset / PAGE).unlink(missing_ok=True)
        raise ResidualError(
            f"dataset must hold no identifier of the source, got one in {DATALIST} or {JOURNAL} of {dataset}; "
            f"{DATALIST} has been removed, report this as a bug"
        )


def _unmistakable(names: set[str], rules: dict[str, Any]) -> Needles:
    return needles({name for name in names if len(name) >= UNMISTAKABLE or DATE.fullmatch(name)}, rules)


def _judged(report: Report, budget: RefusalBudget, unfit: int) -> Report:
    left = report.refused.get(IDENTIFIER_LEFT, 0)
    if left:
        raise ResidualError(
            f"dataset must hold no identifier of the source, got one in {left} of "
            f"{many(len(report.outcomes), 'study', 'studies')}; what was written of them has been removed, "
            "report this as a bug"
        )
    if unfit:
        raise DatasetError(unfit_told(unfit), report.text(), report.data())
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
