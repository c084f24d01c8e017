"""`datalist.json`: made from the journal, split by patient."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.files import write_json, writing
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.folder import DATALIST, case_entries, case_of_entry, damaged_datalist, read_datalist, remove
from fedbundle.site.journal import Journal, Line, files_of, rows_of, used
from fedbundle.site.labels.table import closed_to
from fedbundle.site.splits import assign

Splits = dict[str, dict[str, int]]  # section -> cases, patients


def known_patients(dataset: Path, bundle: str, excluded: Collection[str] = ()) -> dict[str, str]:
    """Section of each patient whom an earlier run has met, but for the excluded; none without a datalist.

    Raises:
        InputError: the dataset is of another bundle.
        DatasetError: its datalist is damaged.
    """
    if not (dataset / DATALIST).is_file():
        return {}
    listed = read_datalist(dataset)
    if not isinstance(listed.get("patients"), dict):
        raise damaged_datalist("one without its patients")
    if listed.get("bundle") != bundle:
        raise InputError(f"dataset must be of bundle {bundle}, got one of {listed.get('bundle')}; choose another --out")
    patients: dict[str, str] = listed["patients"]
    return {patient: section for patient, section in patients.items() if patient not in excluded}


def rebuild(
    dataset: Path,
    bundle: str,
    journal: Journal,
    known: Mapping[str, str],
    rules: Mapping[str, Any],
    unfit: Collection[str] | None = None,
) -> Splits:
    """Write the journal in order and the datalist; remove files of cases that are not in it.

    Args:
        dataset: the dataset's folder, which the caller has locked.
        bundle: its name.
        journal: newest lines of every case.
        known: sections from earlier runs, see `assign`.
        rules: configs/ingest.json; `splits` has the shares, `only` says what a section may hold.
        unfit: cases because of which no run may use the dataset; when not given, those that the datalist names already.

    Raises:
        OutputError: the dataset cannot be written.
    """
    journal.compact()
    cases = {case: lines for case, lines in journal.cases.items() if used(lines)}
    with writing(dataset):
        for entry in case_entries(dataset):
            if case_of_entry(entry) not in cases:
                remove(entry)
    shares, barred = rules["splits"], _barred(cases, rules)
    patients = assign(known, {lines[0]["patient"] for lines in cases.values()}, shares, barred)
    datalist: dict[str, Any] = {"bundle": bundle} | {section: [] for section in SECTIONS}
    for case, lines in sorted(cases.items()):
        datalist[patients[lines[0]["patient"]]] += _items(case, lines)
    datalist["shares"] = dict(shares)
    if still := sorted((_unfit(dataset) if unfit is None else set(unfit)) & cases.keys()):
        datalist["unfit"] = still
    write_json(dataset / DATALIST, datalist | {"patients": dict(sorted(patients.items()))}, make_parents=False)
    return {section: _counts(datalist[section]) for section in SECTIONS}


def _barred(cases: Mapping[str, list[Line]], rules: Mapping[str, Any]) -> dict[str, set[str]]:
    """Patient -> sections where one of the patient's cases may not be."""
    barred: dict[str, set[str]] = {}
    for lines in cases.values():
        for row in rows_of(lines) or [{}]:
            barred.setdefault(lines[0]["patient"], set()).update(closed_to(row, rules))
    return barred


def _unfit(dataset: Path) -> set[str]:
    """Cases that an earlier run has called unfit."""
    return set(read_datalist(dataset).get("unfit", [])) if (dataset / DATALIST).is_file() else set()


def lacking(cases: Mapping[str, int], shares: Mapping[str, float]) -> list[str]:
    """What to say of sections that have a share and no case; with such a dataset no run can begin."""
    empty = [section for section in SECTIONS if shares.get(section) and not cases[section]]
    return [f"section {section} is empty, so no run can use this dataset; ingest more patients" for section in empty]


def _items(case: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One item per row of the table: of the study, or of each side of it; one where there is no table."""
    files = files_of(lines)
    item = {"case": case, "patient": lines[0]["patient"]} | {key: file["path"] for key, file in files.items()}
    digests = {"sha256": {key: file["sha256"] for key, file in files.items()}}
    return [item | row | digests for row in rows_of(lines) or [{}]]


def _counts(items: list[dict[str, Any]]) -> dict[str, int]:
    return {"cases": len({item["case"] for item in items}), "patients": len({item["patient"] for item in items})}
