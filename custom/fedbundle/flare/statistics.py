"""What a hospital tells of its per-case results: one number, spread and interval, never the cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.site.small_counts import masked

Rows = NDArray[np.float64]  # [case, column]
RESAMPLES = 2000
SET_RESAMPLES = 500  # of a statistic that has to be computed anew for each


@dataclass(frozen=True)
class Measured:
    """One metric of one section, case by case.

    `statistic` makes one number of any number of rows, as an area under a curve; None = the mean over the cases, of
    which each has one row with one value, NaN where it is undefined (a class absent in truth and result).
    """

    rows: Rows
    statistic: Callable[[Rows], float] | None = None

    @classmethod
    def of_cases(cls, values: Sequence[float]) -> "Measured":
        """A metric whose mean over the cases is told."""
        return cls(np.asarray(values, np.float64).reshape(len(values), 1))

    def value(self, rows: Rows | None = None) -> float:
        """The number for all rows or some; NaN where it is undefined."""
        rows = self.rows if rows is None else rows
        if not len(rows):
            return float("nan")
        return float(self.statistic(rows) if self.statistic else rows.mean())


def summary(measured: Measured, patients: Sequence[str], min_cell: int, seed: int) -> dict[str, Any]:
    """The value with its 95 % percentile bootstrap interval over patients.

    Cases for which a mean is undefined are left out. Below `min_cell` patients only the value leaves, without spread;
    resamples for which a statistic is undefined (all of one class) are left out of the interval.

    Args:
        measured: rows of all cases.
        patients: pseudonym of each row's patient; all rows of a patient are drawn together.
        min_cell: least number of patients.
        seed: of the bootstrap.

    Source: Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, section 13.3; patients as clusters:
        Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 69:369 (2007).
    """
    keep = np.ones(len(measured.rows), bool) if measured.statistic else ~np.isnan(measured.rows).any(axis=1)
    rows, owners = measured.rows[keep], np.asarray(patients)[keep]
    value = measured.value(rows)
    if np.isnan(value):
        return {"value": None, "n": 0}
    _, which = np.unique(owners, return_inverse=True)
    count = int(which.max()) + 1
    told: dict[str, Any] = {"value": round(value, 4), "n": masked(len(rows), min_cell, count)}
    if count < min_cell:
        return told
    if measured.statistic is None and len(rows) > 1:
        told["sd"] = round(float(rows.std(ddof=1)), 4)
    draws = _means(rows[:, 0], which, count, seed) if measured.statistic is None else _set(measured, rows, which, seed)
    if draws.size:
        told["ci95"] = [round(float(edge), 4) for edge in np.percentile(draws, [2.5, 97.5])]
    return told


def drawn(count: int, seed: int, resamples: int) -> NDArray[np.intp]:
    """Indices of `count` patients, drawn with replacement: [resample, patient]."""
    return np.random.default_rng(seed).integers(0, count, size=(resamples, count))


def _means(values: Rows, which: NDArray[np.intp], count: int, seed: int) -> Rows:
    sums, sizes = np.bincount(which, values, count), np.bincount(which, minlength=count)
    picked = drawn(count, seed, RESAMPLES)
    return np.asarray(sums[picked].sum(axis=1) / sizes[picked].sum(axis=1))


def _set(measured: Measured, rows: Rows, which: NDArray[np.intp], seed: int) -> Rows:
    count = int(which.max()) + 1
    of_patient = [np.flatnonzero(which == patient) for patient in range(count)]
    found = [
        measured.value(rows[np.concatenate([of_patient[patient] for patient in picked])])
        for picked in drawn(count, seed, SET_RESAMPLES)
    ]
    return np.asarray([value for value in found if not np.isnan(value)])
