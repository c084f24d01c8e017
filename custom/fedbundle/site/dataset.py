"""A dataset as a training run meets it: every case still the one that was ingested, or dropped with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbundle.errors import DatasetError
from fedbundle.files import read_json, sha256
from fedbundle.site.small_counts import cases_told, told

SECTIONS = ("training", "validation", "test")
MAY_BE_EMPTY = "test"  # where the bundle gives it no share
KEY_MISSING = "KEY_MISSING"  # an item has no mask or table, since it was ingested without labels


@dataclass(frozen=True)
class CheckedDataset:
    """Cases fit for use, with absolute paths, and why others are not."""

    folder: Path
    datalist: dict[str, list[dict[str, Any]]]  # section -> MONAI datalist items
    dropped: dict[str, list[str]]  # reason code -> patient (pseudonym) of each training case
    lost: dict[str, list[str]]  # reason code -> cases of all sections (pseudonyms)

    def cases(self, min_cell: int) -> dict[str, Any]:
        """Training cases offered, used and dropped by reason, as they may leave the site; see `small_counts`."""
        return cases_told([_patient(item) for item in self.datalist["training"]], self.dropped, min_cell)

    def patients(self, section: str) -> list[str]:
        """Pseudonym of the patient of each case of a section."""
        return [_patient(item) for item in self.datalist[section]]


def unfit_told(count: int | str) -> str:
    """What to say of a dataset with so many cases that were made under other privacy settings."""
    return (
        f"cases must be de-identified as site.toml says, got {count} made under other settings of [deidentify]; ingest "
        "them again from their source, take them out with --exclude, or put the settings back and ingest again"
    )


def check_dataset(
    folder: Path, max_dropped: float, needed: frozenset[str] = frozenset(), min_cell: int = 1
) -> CheckedDataset:
    """Compare each file of the datalist with its digest at ingest.

    Args:
        folder: holds datalist.json.
        max_dropped: share of cases, 0 to 1, that may be damaged or missing.
        needed: keys of a case that the bundle trains on: its inputs, its label and the columns of its table.
        min_cell: messages tell counts of fewer patients as "<min_cell", since a job's answer takes them along.

    Raises:
        DatasetError: no datalist, cases made under other privacy settings, an empty section (a test section without a
            share may be empty), or more cases dropped than the budget allows.
    """
    path = folder / "datalist.json"
    if not path.is_file():
        raise DatasetError("dataset must hold a datalist.json, got none; run fedbundle ingest for this bundle")
    listed = read_json(path)
    if unfit := listed.get("unfit"):
        owners_of = {item["case"]: _patient(item) for section in SECTIONS for item in listed.get(section, [])}
        raise DatasetError(unfit_told(told([owners_of.get(case, case) for case in unfit], min_cell)))
    kept: dict[str, list[dict[str, Any]]] = {}
    dropped: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    owners: dict[str, list[str]] = {}  # reason code -> patient of each case of all sections
    empty = []
    for section in SECTIONS:
        items = listed.get(section, [])
        reasons = [_damage(folder, item, needed) for item in items]
        kept[section] = [_absolute(folder, item) for item, why in zip(items, reasons, strict=True) if not why]
        for item, why in zip(items, reasons, strict=True):
            if why:
                lost.setdefault(why, []).append(item["case"])
                owners.setdefault(why, []).append(_patient(item))
                if section == "training":
                    dropped.setdefault(why, []).append(_patient(item))
        if not kept[section] and not (section == MAY_BE_EMPTY and listed.get("shares", {}).get(section) == 0):
            empty.append(section)
    found = _counted(owners, min_cell)
    if empty:
        raise DatasetError(
            f"section {' and '.join(empty)} must hold at least one usable case, got "
            + (f"{found}; {_remedy(owners)}" if found else "none listed; ingest more patients")
        )
    count, total = sum(map(len, lost.values())), sum(len(listed.get(section, [])) for section in SECTIONS)
    if count > max_dropped * total:
        raise DatasetError(
            f"at most {max_dropped:.0%} of the cases may be damaged or missing, got more ({found}); "
            f"run fedbundle doctor to see which, then {_remedy(owners)}"
        )
    return CheckedDataset(folder, kept, dropped, lost)


def _remedy(owners: Mapping[str, Sequence[str]]) -> str:
    """What to do with cases that cannot be used."""
    labels = ", with --labels: those with KEY_MISSING have none" if KEY_MISSING in owners else ""
    return f"ingest again{labels}"


def _counted(owners: Mapping[str, Sequence[str]], min_cell: int) -> str:
    return ", ".join(f"{told(patients, min_cell)} {why}" for why, patients in owners.items())


def _patient(item: dict[str, Any]) -> str:
    """Pseudonym of the patient of an item; where the datalist names none, each case is one."""
    return str(item.get("patient", item["case"]))


def _files(item: dict[str, Any]) -> dict[str, str]:
    return {key: item[key] for key in item["sha256"]}


def needed_keys(ingest_rules: dict[str, Any]) -> frozenset[str]:
    """Keys that each case of a bundle's dataset must have, by its configs/ingest.json; an optional role is none."""
    label, table = ingest_rules.get("label"), ingest_rules.get("table", {})
    inputs = [role for role, wanted in ingest_rules["inputs"].items() if "optional" not in wanted]
    return frozenset({*inputs, *([label["key"]] if label else []), *table.get("columns", {})})


def _damage(folder: Path, item: dict[str, Any], needed: frozenset[str]) -> str:
    if not needed <= item.keys():
        return KEY_MISSING
    for key, name in _files(item).items():
        file = folder / name
        if not file.is_file():
            return "FILE_MISSING"
        if sha256(file) != item["sha256"][key]:
            return "FILE_CHANGED"
    return ""


def _absolute(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    return item | {key: str(folder / name) for key, name in _files(item).items()}
