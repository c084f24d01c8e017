"""`excluded.jsonl` of the site home: who was taken out of a dataset, by pseudonym, so that none comes back."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from fedbundle.site.home import SiteHome, append_line, records_of, utc_now

EXCLUDED = "excluded.jsonl"


def exclusions(home: SiteHome, bundle: str) -> list[dict[str, Any]]:
    """Exclusions from the datasets of a bundle: time, patient (pseudonym), studies (keyed digests of their UIDs).

    Raises:
        SiteError: a line is damaged.
    """
    found = records_of(home, EXCLUDED, {"bundle", "patient", "studies"})
    return [line for line in found if line["bundle"] == bundle]


def excluded_patients(home: SiteHome, bundle: str) -> frozenset[str]:
    """Pseudonyms of the patients who were taken out of the datasets of a bundle.

    Raises:
        SiteError: a line is damaged.
    """
    return frozenset(line["patient"] for line in exclusions(home, bundle))


def excluded_studies(home: SiteHome, bundle: str) -> frozenset[str]:
    """Keyed digests of the studies that were taken out; they stay out when the PACS gives them another patient.

    Raises:
        SiteError: a line is damaged.
    """
    return frozenset(study for line in exclusions(home, bundle) for study in line["studies"])


def record_exclusions(home: SiteHome, bundle: str, studies: Mapping[str, Collection[str]]) -> None:
    """Remember that patients were taken out; a line is written for those of whom something new is known.

    Args:
        home: the site.
        bundle: of whose datasets.
        studies: keyed digests of the studies by pseudonym of the patient.

    Raises:
        OutputError: the site home cannot be written.
    """
    with home.lock():
        before: dict[str, set[str]] = {}
        for line in exclusions(home, bundle):
            before.setdefault(line["patient"], set()).update(line["studies"])
        entries = [
            {"time": utc_now(), "bundle": bundle, "patient": patient, "studies": sorted(known)}
            for patient, known in studies.items()
            if patient not in before or not before[patient].issuperset(known)
        ]
        if entries:
            append_line(home.path / EXCLUDED, "\n".join(map(json.dumps, entries)))
