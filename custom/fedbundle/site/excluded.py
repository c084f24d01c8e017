"""`excluded.jsonl` of the site home: who was taken out of a dataset, by pseudonym, so that none comes back."""

import json
from typing import Any

from fedbundle.site.home import SiteHome, append_line, lines_of, utc_now

EXCLUDED = "excluded.jsonl"


def exclusions(home: SiteHome, bundle: str) -> list[dict[str, Any]]:
    """Exclusions from the datasets of a bundle: time, patient (pseudonym), studies (keyed digests of their UIDs).

    Raises:
        SiteError: a line is damaged.
    """
    found = lines_of(home, EXCLUDED, {"bundle", "patient", "studies"})
    return [line for line in found if line["bundle"] == bundle]


def excluded_patients(home: SiteHome, bundle: str) -> frozenset[str]:
    """Pseudonyms of the patients who were taken out of the datasets of a bundle.

    Raises:
        SiteError: a line is damaged.
    """
    return frozenset(line["patient"] for line in exclusions(home, bundle))


def record_exclusion(home: SiteHome, bundle: str, patient: str, studies: list[str]) -> None:
    """Remember that a patient was taken out; nothing is written when that stands there already.

    Raises:
        OutputError: the site home cannot be written.
    """
    with home.lock():
        if patient not in excluded_patients(home, bundle):
            entry = {"time": utc_now(), "bundle": bundle, "patient": patient, "studies": studies}
            append_line(home.path / EXCLUDED, json.dumps(entry))
