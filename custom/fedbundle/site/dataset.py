"""A dataset as a training run meets it: every case still the one that was ingested, or dropped with its reason."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbundle.errors import DatasetError
from fedbundle.files import read_json, sha256

SECTIONS = ("training", "validation", "test")
MAY_BE_EMPTY = "test"  # where the bundle gives it no share


@dataclass(frozen=True)
class CheckedDataset:
    """Cases fit for use, with absolute paths, and why others are not."""

    folder: Path
    datalist: dict[str, list[dict[str, Any]]]  # section -> MONAI datalist items
    offered: int  # training cases of the datalist
    dropped: Counter[str]  # reason code -> training cases
    lost: dict[str, list[str]]  # reason code -> cases of all sections (pseudonyms)

    def cases(self, min_cell: int) -> dict[str, Any]:
        """Training cases offered, used and dropped by reason; counts below `min_cell` are masked."""
        counts = {"offered": self.offered, "used": len(self.datalist["training"])}
        told: dict[str, Any] = {name: masked(count, min_cell) for name, count in counts.items()}
        return told | {"dropped": {reason: masked(count, min_cell) for reason, count in self.dropped.items()}}


def check_dataset(folder: Path, max_dropped: float, needed: frozenset[str] = frozenset()) -> CheckedDataset:
    """Compare each file of the datalist with its digest at ingest.

    Args:
        folder: holds datalist.json.
        max_dropped: share of cases, 0 to 1, that may be damaged or missing.
        needed: keys of a case that the bundle trains on: its inputs, its label and the columns of its table.

    Raises:
        DatasetError: no datalist, an empty section (a test section without a share may be empty), or more cases
            dropped than the budget allows.
    """
    path = folder / "datalist.json"
    if not path.is_file():
        raise DatasetError("dataset must hold a datalist.json, got none; run fedbundle ingest for this bundle")
    listed = read_json(path)
    kept: dict[str, list[dict[str, Any]]] = {}
    dropped: Counter[str] = Counter()
    lost: dict[str, list[str]] = {}
    empty = []
    for section in SECTIONS:
        items = listed.get(section, [])
        reasons = [_damage(folder, item, needed) for item in items]
        kept[section] = [_absolute(folder, item) for item, why in zip(items, reasons, strict=True) if not why]
        for item, why in zip(items, reasons, strict=True):
            if why:
                lost.setdefault(why, []).append(item["case"])
        if section == "training":
            dropped.update(why for why in reasons if why)
        if not kept[section] and not (section == MAY_BE_EMPTY and listed.get("shares", {}).get(section) == 0):
            empty.append(section)
    told = ", ".join(f"{len(cases)} {why}" for why, cases in lost.items())
    if empty:
        raise DatasetError(
            f"section {' and '.join(empty)} must hold at least one usable case, got "
            + (f"{told}; ingest again" if told else "none listed; ingest more patients")
        )
    count, total = sum(map(len, lost.values())), sum(len(listed.get(section, [])) for section in SECTIONS)
    if count > max_dropped * total:
        raise DatasetError(
            f"at most {max_dropped:.0%} of the cases may be damaged or missing, got {count / total:.0%} ({told}); "
            "run fedbundle doctor to see which, then ingest again"
        )
    return CheckedDataset(folder, kept, len(listed.get("training", [])), dropped, lost)


def _files(item: dict[str, Any]) -> dict[str, str]:
    return {key: item[key] for key in item["sha256"]}


def needed_keys(ingest_rules: dict[str, Any]) -> frozenset[str]:
    """Keys that each case of a bundle's dataset must have, by its configs/ingest.json."""
    label, table = ingest_rules.get("label"), ingest_rules.get("table", {})
    return frozenset({*ingest_rules["inputs"], *([label["key"]] if label else []), *table.get("columns", {})})


def _damage(folder: Path, item: dict[str, Any], needed: frozenset[str]) -> str:
    if not needed <= item.keys():
        return "KEY_MISSING"
    for key, name in _files(item).items():
        file = folder / name
        if not file.is_file():
            return "FILE_MISSING"
        if sha256(file) != item["sha256"][key]:
            return "FILE_CHANGED"
    return ""


def _absolute(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    return item | {key: str(folder / name) for key, name in _files(item).items()}


def masked(count: int, min_cell: int) -> int | str:
    """A count of patients as it may leave the site: exact from `min_cell` upwards, else "<min_cell"; 0 stays 0."""
    return count if count == 0 or count >= min_cell else f"<{min_cell}"
