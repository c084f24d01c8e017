"""What cannot be beaten: the phantom's own hazard, which no hospital knows, in the place of a network's risk."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fedblocks.metrics.survival_rows import RISK
from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.site.home import SiteHome

METRICS = ("val_concordance", "val_concordance_ipcw")  # that hang on the order of risks alone


def oracle_rows(
    rows: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], home: SiteHome, phantom: Path
) -> dict[str, Any]:
    """Rows of these cases with the true log hazard for a risk.

    Args:
        rows: of any network, by metric.
        cases: items of the datalist, in the order of the rows.
        home: whose key made the pseudonyms.
        phantom: folder with truth.csv.
    """
    hazards = truth_of(cases, home, phantom, "log_hazard")
    told = {}
    for metric in METRICS:
        kept = np.array(rows[metric], np.float64)
        kept[:, RISK:] = np.array(hazards)[:, None]
        told[metric] = kept.tolist()
    return told


def truth_of(cases: Sequence[Mapping[str, Any]], home: SiteHome, phantom: Path, column: str) -> list[float]:
    """A column of the phantom's truth for each of these cases."""
    with (phantom / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["study_instance_uid"], row["laterality"]): float(row[column]) for row in csv.DictReader(file)}
    studies = {study for study, _ in truth}
    patients = {item["case"]: item["patient"] for item in cases}
    named = {
        pseudonym(home.key(), "case", patient, study): study for patient in set(patients.values()) for study in studies
    }
    return [truth[named[item["case"]], item["laterality"]] for item in cases]
