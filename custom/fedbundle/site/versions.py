"""`versions.jsonl` of the site home: which patients, by pseudonym, stood in which version of a dataset, and where."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.files import read_json, sha256
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.folder import DATALIST, JOURNAL
from fedbundle.site.home import SiteHome, append_line, records_of, utc_now

VERSIONS = "versions.jsonl"


def remember_version(home: SiteHome, dataset: Path, bundle: str) -> None:
    """Note who is in the datalist as it stands now; once per version.

    Raises:
        SiteError: a line of versions.jsonl is damaged.
        OutputError: the site home cannot be written.
    """
    digest, listed = sha256(dataset / DATALIST), read_json(dataset / DATALIST)
    with home.lock():
        if digest not in {line["dataset"] for line in versions(home, bundle)}:
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


def moved(home: SiteHome, bundle: str, patients: Mapping[str, str]) -> int:
    """How many patients stand in another section than in the last version that held them.

    Args:
        home: the site.
        bundle: whose datasets are compared.
        patients: pseudonym -> section in the dataset as it is now.

    Raises:
        SiteError: a line of versions.jsonl is damaged.
    """
    last: dict[str, str] = {}
    for line in versions(home, bundle):
        last |= {patient: section for section, members in line["patients"].items() for patient in members}
    return sum(last.get(patient, section) != section for patient, section in patients.items())


def last_sections(home: SiteHome, bundle: str, patients: set[str]) -> dict[str, str]:
    """Section of each patient in the last version that held just these; empty where none did.

    It is what a dataset goes on from whose datalist is lost.

    Raises:
        SiteError: a line is damaged.
    """
    for line in reversed(versions(home, bundle)):
        sections = {patient: section for section, members in line["patients"].items() for patient in members}
        if sections.keys() == patients:
            return sections
    return {}


def versions(home: SiteHome, bundle: str) -> list[dict[str, Any]]:
    """Versions of the datasets of a bundle: time, place, dataset (SHA-256 of datalist.json), patients by section.

    Raises:
        SiteError: a line is damaged.
    """
    return [line for line in records_of(home, VERSIONS, {"bundle", "dataset", "patients"}) if line["bundle"] == bundle]
