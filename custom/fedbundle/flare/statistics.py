"""What a hospital tells of its per-case results: mean, spread and interval, never the cases."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from fedbundle.site.small_counts import fewest_patients, masked

RESAMPLES = 2000


def summary(
    values: Sequence[float], min_cell: int, seed: int, cases_of_patients: Collection[int] = ()
) -> dict[str, Any]:
    """Mean over cases with its 95 % percentile bootstrap interval over patients.

    NaN marks a case for which the metric is undefined (a class absent in truth and result) and is left out.
    Below `min_cell` patients only the mean leaves, without spread.

    Args:
        values: one per case.
        min_cell: least number of patients.
        seed: of the bootstrap.
        cases_of_patients: how many of the cases each patient has, one each when not given. Which value is whose is not
            asked: of the cases for which the metric is defined, as few patients are assumed as there can be.

    Source: Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, section 13.3.
    """
    defined = np.asarray([value for value in values if not np.isnan(value)], dtype=np.float64)
    if defined.size == 0:
        return {"value": None, "n": 0}
    count = int(defined.size)
    patients = fewest_patients(cases_of_patients, count) if cases_of_patients else count
    told: dict[str, Any] = {"value": round(float(defined.mean()), 4), "n": masked(count, min_cell, patients)}
    if patients >= min_cell:
        draws = np.random.default_rng(seed).choice(defined, size=(RESAMPLES, defined.size))
        low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
        told["sd"] = round(float(defined.std(ddof=1)), 4)
        told["ci95"] = [round(float(low), 4), round(float(high), 4)]
    return told
