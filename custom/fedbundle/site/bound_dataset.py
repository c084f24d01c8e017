"""A dataset that a hospital has prepared by its own means for a stock bundle, as a run meets it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedbundle.bundle.layout import Bundle
from fedbundle.errors import DatasetError
from fedbundle.site.binding import binding_table, datalist_file
from fedbundle.site.binding_settings import SECTIONS
from fedbundle.site.dataset import CheckedDataset
from fedbundle.site.examination import FILE_MISSING
from fedbundle.site.home import SiteHome
from fedbundle.site.small_counts import told

Item = dict[str, Any]


def bound_dataset(home: SiteHome, bundle: Bundle) -> CheckedDataset:
    """The cases of a folder that the hospital has prepared by its own means.

    The data contract of ingested data does not apply: nothing is known of the files but that they are there. The
    counts and the least number of patients that may be told do.

    Raises:
        DatasetError: site.toml does not bind the bundle; folder or datalist is not there, or damaged; a section is
            empty; a patient stands in two of them; or more cases lack a file than the site's budget allows.
    """
    table = binding_table(home, bundle.name)
    place = f"[bindings.{bundle.name}] in site.toml"
    folder = home.path / table["dataset_dir"]
    if not folder.is_dir():
        raise DatasetError(f"dataset_dir of {place} must be a folder that is there, got none; mount it or mend {place}")
    listed = _read(datalist_file(home, bundle), place)
    names = {section: table.get("sections", {}).get(section, section) for section in SECTIONS}
    items = {section: _items(listed, name, section, bundle.name) for section, name in names.items()}
    keys = _file_keys(folder, [item for section in items.values() for item in section])
    if not keys:
        raise DatasetError(
            f"items of the datalist of {place} must name files below dataset_dir, got none that is there; mend either"
        )
    return _checked(home, folder, items, keys, table.get("patient", ""))


def _read(path: Path, place: str) -> dict[str, Any]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(
            f"datalist of {place} must be a file below dataset_dir, got {error.strerror}; mend the path"
        ) from error
    except ValueError as error:
        raise DatasetError(f"datalist of {place} must be readable JSON, got another content; mend the file") from error
    if not isinstance(listed, dict):
        raise DatasetError(f"datalist of {place} must be a JSON object with sections, got another; mend the file")
    return listed


def _items(listed: dict[str, Any], name: str, section: str, bundle: str) -> list[Item]:
    items = listed.get(name)
    if not isinstance(items, list) or not items:
        raise DatasetError(
            f"section {name} of the datalist for {bundle} must hold at least one case for {section}, got none; add "
            f"cases, or name another section under [bindings.{bundle}.sections] in site.toml"
        )
    if not all(isinstance(item, dict) for item in items):
        raise DatasetError(
            f"cases of section {name} of the datalist for {bundle} must be objects such as image and label, got "
            "others; mend the file"
        )
    return items


def _file_keys(folder: Path, items: list[Item]) -> list[str]:
    """Keys whose value is a file below `folder` in one item at least."""
    keys = dict.fromkeys(key for item in items for key in item)
    return [key for key in keys if any(_there(folder, item, key) for item in items)]


def _named(item: Item, key: str) -> Iterator[str]:
    value = item.get(key)
    yield from [value] if isinstance(value, str) else value if isinstance(value, list) else []


def _there(folder: Path, item: Item, key: str) -> bool:
    names = list(_named(item, key))
    try:
        return bool(names) and all(isinstance(name, str) and (folder / name).is_file() for name in names)
    except OSError:  # a text that is too long to be the name of a file
        return False


def _checked(
    home: SiteHome, folder: Path, items: dict[str, list[Item]], keys: list[str], patient: str
) -> CheckedDataset:
    kept: dict[str, list[Item]] = {section: [] for section in items}
    owners: dict[str, list[str]] = {section: [] for section in items}
    lost: dict[str, list[str]] = {section: [] for section in items}
    for section, item in [(name, item) for name, listed in items.items() for item in listed]:
        owner = _owner(item, keys, patient)
        if all(_there(folder, item, key) for key in keys):
            kept[section].append(item | {key: _absolute(folder, item[key]) for key in keys})
            owners[section].append(owner)
        else:
            lost[section].append(owner)
    sections_of = Counter(owner for section in owners for owner in set(owners[section] + lost[section]))
    if straddling := [owner for owner, count in sections_of.items() if count > 1]:
        raise DatasetError(
            "each patient must stand in one section of the datalist, got "
            f"{told(straddling, home.min_cell)} in two or more; mend the datalist"
        )
    missing = [owner for section in lost.values() for owner in section]
    if len(missing) > home.max_dropped * sum(map(len, items.values())) or not all(kept.values()):
        raise DatasetError(
            f"at most {home.max_dropped:.0%} of the cases, and never all of a section, may lack a file, "
            f"got {told(missing, home.min_cell)} that lack one; mend the datalist or the folder"
        )
    dropped = {FILE_MISSING: lost["training"]} if lost["training"] else {}
    return CheckedDataset(folder, kept, dropped, owners)


def _owner(item: Item, keys: list[str], patient: str) -> str:
    """Whose case it is: as the datalist tells, else each case that has an image of its own is one patient."""
    if patient and patient not in item:
        raise DatasetError(
            f"items of the datalist must have the key {patient}, which tells the patient, got one without"
        )
    return str(item[patient]) if patient else str(item.get(keys[0]))


def _absolute(folder: Path, value: Any) -> Any:
    return [str(folder / each) for each in value] if isinstance(value, list) else str(folder / value)
