"""`versions.jsonl` of the site home: which patients, by pseudonym, stood in which version of a dataset, and where."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.files import read_json, sha256
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.folder import DATALIST, JOURNAL
from fedbundle.site.home import SiteHome, append_line, records_of, utc_now

VERSIONS = "versions.jsonl"


def remember_version(home: SiteHome, dataset: Path, bundle: str) -> None:
    """Note who is in the datalist as it stands now; once per version and place.

    Raises:
        SiteError: a line of versions.jsonl is damaged.
        OutputError: the site home cannot be written.
    """
    digest, listed = sha256(dataset / DATALIST), read_json(dataset / DATALIST)
    with home.lock():
        if (digest, str(dataset)) not in {(line["dataset"], line.get("place")) for line in versions(home, bundle)}:
            patients = {section: sorted({item["patient"] for item in listed[section]}) for section in SECTIONS}
            told = {"time": utc_now(), "bundle": bundle, "place": str(dataset)}
            entry = told | {"dataset": digest, "patients": patients}
            append_line(home.path / VERSIONS, json.dumps(entry))


def never_begin_anew(home: SiteHome, bundle: str, dataset: Path) -> None:
    """Let no second dataset begin where a disk is not mounted.

    Raises:
        InputError: the folder is there, but not the dataset that an earlier ingest made in it.
        SiteError: a line of versions.jsonl is damaged.
    """
    known = any(line.get("place") == str(dataset) for line in versions(home, bundle))
    if known and dataset.is_dir() and not (dataset / JOURNAL).is_file():
        raise InputError(
            f"dataset must be where the last ingest left it, got no {JOURNAL} in {dataset}; mount its disk, "
            "or remove the folder to begin anew"
        )


def sections_before(home: SiteHome, bundle: str, patients: Collection[str]) -> dict[str, str]:
    """Section of each of these patients in the last version that held them.

    So nobody changes sides when a dataset is made elsewhere or its datalist is lost: what was trained with one dataset
    of the bundle is never tested with another on its own patients.

    Raises:
        SiteError: a line is damaged.
    """
    last: dict[str, str] = {}
    for line in versions(home, bundle):
        last |= {patient: section for section, members in line["patients"].items() for patient in members}
    return {patient: last[patient] for patient in patients if patient in last}


def versions(home: SiteHome, bundle: str) -> list[dict[str, Any]]:
    """Versions of the datasets of a bundle: time, place, dataset (SHA-256 of datalist.json), patients by section.

    Raises:
        SiteError: a line is damaged.
    """
    return [line for line in records_of(home, VERSIONS, {"bundle", "dataset", "patients"}) if line["bundle"] == bundle]
