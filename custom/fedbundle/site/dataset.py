"""A dataset as a training run meets it: every case still the one that was ingested, or dropped with its reason."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.errors import DatasetError
from fedbundle.site.contract import FILE_CODES, TABLE_VALUES, Contract
from fedbundle.site.events import refuse_without_events
from fedbundle.site.examination import KEY_MISSING, Examination, patient_of
from fedbundle.site.folder import DATALIST, read_datalist
from fedbundle.site.small_counts import cases_told, told

SECTIONS = ("training", "validation", "test")
MAY_BE_EMPTY = "test"  # where the bundle gives it no share


@dataclass(frozen=True)
class CheckedDataset:
    """Cases fit for use, with absolute paths, and why others are not."""

    folder: Path
    datalist: dict[str, list[dict[str, Any]]]  # section -> MONAI datalist items
    dropped: dict[str, list[str]]  # reason code -> patient (pseudonym) of each training case
    owners: Mapping[str, list[str]] = field(default_factory=dict)  # section -> patients, where items do not tell them

    def cases(self, min_cell: int) -> dict[str, Any]:
        """Training cases offered, used and dropped by reason, as they may leave the site; see `small_counts`."""
        return cases_told(self.patients("training"), self.dropped, min_cell)

    def patients(self, section: str) -> list[str]:
        """Pseudonym of the patient of each case of a section."""
        if section in self.owners:
            return self.owners[section]
        return [patient_of(item) for item in self.datalist[section]]


def unfit_told(count: int | str) -> str:
    """What to say of a dataset with so many cases that were made under other privacy settings."""
    return (
        f"cases must be de-identified as site.toml says, got {count} made under other settings of [deidentify]; ingest "
        "them again from their source, take them out with --exclude, or put the settings back and ingest again"
    )


def straddling_told(count: int | str) -> str:
    """What to say of a dataset with so many patients in more than one section."""
    return (
        f"each patient must stand in one section of datalist.json, got {count} in two or more; ingest again, which "
        "gives each the section it had"
    )


@dataclass(frozen=True)
class ExaminedDataset:
    """A dataset whose every case has been looked at; whether a run may use it depends on how many are lost."""

    folder: Path
    listed: dict[str, Any]  # datalist.json
    found: Examination
    rules: dict[str, Any] | None = None  # configs/ingest.json

    @classmethod
    def of(
        cls,
        folder: Path,
        needed: frozenset[str] = frozenset(),
        min_cell: int = 1,
        ingest_rules: dict[str, Any] | None = None,
        remember: bool = True,
    ) -> "ExaminedDataset":
        """Compare each file of the datalist with its digest at ingest, and with the bundle's data contract.

        Args:
            folder: holds datalist.json.
            needed: keys of a case that the bundle trains on: its inputs, its label and the columns of its table.
            min_cell: messages tell counts of fewer patients as "<min_cell", since a job's answer takes them along.
            ingest_rules: configs/ingest.json, by which files and columns are judged; without it, only digests are.
            remember: keep what was judged in the folder, so that no other run reads the same files again.

        Raises:
            DatasetError: no datalist, a damaged one, one that ingest did not write, or cases made under other privacy
                settings.
            BundleError: configs/ingest.json breaks its schema.
        """
        if not (folder / DATALIST).is_file():
            raise DatasetError("dataset must hold a datalist.json, got none; run fedbundle ingest for this bundle")
        listed = read_datalist(folder)
        contract = None if ingest_rules is None else Contract.of(ingest_rules)
        if unfit := listed.get("unfit"):
            owners_of = {item["case"]: patient_of(item) for section in SECTIONS for item in listed.get(section, [])}
            raise DatasetError(unfit_told(told([owners_of.get(case, case) for case in unfit], min_cell)))
        sections = {section: listed.get(section, []) for section in SECTIONS}
        found = Examination.of(folder, sections, needed, contract, remember)
        return cls(folder, listed, found, ingest_rules)

    def listed_cases(self) -> dict[str, int]:
        """How many cases each section of the datalist names."""
        return {section: len(self.listed.get(section, [])) for section in SECTIONS}

    def straddling(self) -> list[str]:
        """Pseudonym of each patient who stands in more than one section, whether the cases are fit or not."""
        found = [(section, patient_of(item)) for section, items in self.found.fit.items() for item in items]
        found += [(lost.section, lost.patient) for lost in self.found.lost]
        sections_of = Counter(patient for _, patient in set(found))
        return sorted(patient for patient, count in sections_of.items() if count > 1)

    def checked(self, max_dropped: float, min_cell: int = 1) -> CheckedDataset:
        """The cases fit for use, if they suffice.

        Args:
            max_dropped: share of cases, 0 to 1, that may be lost.
            min_cell: as in `of`.

        Raises:
            DatasetError: a patient in two sections, an empty section (a test section without a share may be empty),
                more cases lost than the budget allows, or no event to learn from.
        """
        if straddling := self.straddling():
            raise DatasetError(straddling_told(told(straddling, min_cell)))
        owners: dict[str, list[str]] = {}  # reason code -> patient of each case of all sections
        dropped: dict[str, list[str]] = {}
        for lost in self.found.lost:
            owners.setdefault(lost.code, []).append(lost.patient)
            if lost.section == "training":
                dropped.setdefault(lost.code, []).append(lost.patient)
        counts = _counted(owners, min_cell)
        shares = self.listed.get("shares", {})
        empty = [
            section
            for section, items in self.found.fit.items()
            if not items and not (section == MAY_BE_EMPTY and shares.get(section) == 0)
        ]
        if empty:
            raise DatasetError(
                f"section {' and '.join(empty)} must hold at least one usable case, got "
                + (f"{counts}; {remedy(owners)}" if counts else "none listed; ingest more patients")
            )
        total = len(self.found.lost) + sum(map(len, self.found.fit.values()))
        if len(self.found.lost) > max_dropped * total:
            raise DatasetError(
                f"at most {max_dropped:.0%} of the cases may be damaged, missing or against the data contract, got "
                f"more ({counts}); run fedbundle doctor to see which, then {remedy(owners)}"
            )
        if self.rules is not None:
            refuse_without_events(self.found.fit["training"], self.rules)
        kept = {section: [_absolute(self.folder, item) for item in items] for section, items in self.found.fit.items()}
        return CheckedDataset(self.folder, kept, dropped)


def check_dataset(
    folder: Path,
    max_dropped: float,
    needed: frozenset[str] = frozenset(),
    min_cell: int = 1,
    ingest_rules: dict[str, Any] | None = None,
) -> CheckedDataset:
    """The dataset for a run; each case that it loses is named in the log, which stays at the site.

    Arguments and errors are those of `ExaminedDataset.of` and `ExaminedDataset.checked`.
    """
    examined = ExaminedDataset.of(folder, needed, min_cell, ingest_rules)
    for lost in examined.found.lost:  # below the level of ERROR, which goes to the server
        logging.getLogger(__name__).warning("%s case dropped, %s: %s", lost.section, lost.code, lost.told())
    return examined.checked(max_dropped, min_cell)


def remedy(codes: Collection[str]) -> str:
    """What to do with cases that are lost for these reasons."""
    labels = ", with --labels: those with KEY_MISSING have none" if KEY_MISSING in codes else ""
    outside = {*FILE_CODES, TABLE_VALUES}.intersection(codes)
    return f"ingest again{labels}" + (", or take out with --exclude what breaks the data contract" if outside else "")


def _counted(owners: Mapping[str, Sequence[str]], min_cell: int) -> str:
    return ", ".join(f"{told(patients, min_cell)} {why}" for why, patients in owners.items())


def needed_keys(ingest_rules: dict[str, Any]) -> frozenset[str]:
    """Keys that each case of a bundle's dataset must have, by its configs/ingest.json; an optional role is none."""
    label, table = ingest_rules.get("label"), ingest_rules.get("table", {})
    inputs = [role for role, wanted in ingest_rules["inputs"].items() if "optional" not in wanted]
    return frozenset({*inputs, *([label["key"]] if label else []), *table.get("columns", {})})


def _absolute(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    return item | {key: str(folder / item[key]) for key in item["sha256"]}
