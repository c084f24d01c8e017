"""What a hospital tells of its per-case results: mean, spread and interval, never the cases."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedbundle.site.dataset import masked

RESAMPLES = 2000


def summary(values: Sequence[float], min_cell: int, seed: int) -> dict[str, Any]:
    """Mean over cases with its 95 % percentile bootstrap interval over patients.

    NaN marks a case for which the metric is undefined (a class absent in truth and result) and is left out.
    Below `min_cell` cases only the mean leaves, without spread.

    Source: Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, section 13.3.
    """
    defined = np.asarray([value for value in values if not np.isnan(value)], dtype=np.float64)
    if defined.size == 0:
        return {"value": None, "n": 0}
    told: dict[str, Any] = {"value": round(float(defined.mean()), 4), "n": masked(int(defined.size), min_cell)}
    if defined.size >= min_cell:
        draws = np.random.default_rng(seed).choice(defined, size=(RESAMPLES, defined.size))
        low, high = np.percentile(draws.mean(axis=1), [2.5, 97.5])
        told["sd"] = round(float(defined.std(ddof=1)), 4)
        told["ci95"] = [round(float(low), 4), round(float(high), 4)]
    return told
