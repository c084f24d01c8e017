"""What a hospital tells of its per-case results: one number, spread and interval, never the cases."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.site.small_counts import below, masked

Rows = NDArray[np.float64]  # [case, column]
RESAMPLES = 2000
SET_RESAMPLES = 500  # of a statistic that has to be computed anew for each
UNDEFINED_AT_MOST = 0.05  # share of the draws on which a statistic may be undefined beside an interval


@dataclass(frozen=True)
class Measured:
    """One metric of one section, case by case.

    `statistic` makes one number of any number of rows, as an area under a curve; None = the mean over the cases, of
    which each has one row with one value, NaN where it is undefined (a class absent in truth and result). `strata`
    gives each row the number of the group that a statistic compares, as the classes of the truth or, of survival, who
    had the event by the horizon; of a mean they are the defined and the undefined cases.
    """

    rows: Rows
    statistic: Callable[[Rows], float] | None = None
    strata: Callable[[Rows], NDArray[Any]] | None = None
    known: float | None = None  # the value of all cases, where the metric keeps no rows by which to compute it

    @classmethod
    def of_set(cls, value: float, cases: int) -> "Measured":
        """A metric of which nothing is known but its value over so many cases."""
        return cls(np.zeros((cases, 1)), known=float(value))

    @classmethod
    def of_cases(cls, values: Sequence[float]) -> "Measured":
        """A metric whose mean over the cases is told."""
        return cls(np.asarray(values, np.float64).reshape(len(values), 1))

    def value(self, rows: Rows | None = None) -> float:
        """The number for all rows or some; NaN where it is undefined."""
        if self.known is not None:
            return self.known
        rows = self.rows if rows is None else rows
        if not len(rows):
            return float("nan")
        return float(self.statistic(rows) if self.statistic else rows.mean())

    @property
    def of_whole_set(self) -> bool:
        """Whether its value is one of all cases together, and no mean over them."""
        return self.statistic is not None or self.known is not None

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Of each row, whether it counts: a mean leaves out what is undefined."""
        if self.statistic:
            return np.ones(len(self.rows), np.bool_)
        return np.asarray(~np.isnan(self.rows).any(axis=1))

    def small(self, patients: Sequence[str], min_cell: int) -> bool:
        """Whether one of its strata that are not empty holds fewer than `min_cell` patients."""
        strata = self.strata(self.rows) if self.strata else self.defined
        owners = np.asarray(patients)
        return any(len(np.unique(owners[strata == each])) < min_cell for each in np.unique(strata))


def summaries(
    measured: Mapping[str, Measured],
    patients: Sequence[str],
    min_cell: int,
    seed: int,
    key: str = "",
    grid: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """Each metric of one section as it may leave the site.

    Where the key metric is told although it compares groups of few patients, how many they are would follow from its
    value and the number of all cases; so no metric of the section tells that number or its spread.

    Args:
        measured: metric -> rows of all cases.
        patients: pseudonym of each row's patient.
        min_cell: least number of patients.
        seed: of the bootstrap.
        key: the metric whose value is told in any case, since weights are selected by it.
        grid: metrics of one result under many settings, which together would tell the result itself.
    """
    told = {
        name: summary(each, patients, min_cell, seed, key=name == key, grid=name in grid)
        for name, each in measured.items()
    }
    chosen = measured.get(key)
    if chosen and chosen.of_whole_set and chosen.small(patients, min_cell) and told[key]["value"] is not None:
        return {name: _without_number(each["value"], patients, min_cell) for name, each in told.items()}
    return told


def summary(
    measured: Measured, patients: Sequence[str], min_cell: int, seed: int, key: bool = False, grid: bool = False
) -> dict[str, Any]:
    """The value with its 95 % percentile bootstrap interval over patients.

    Where a stratum holds fewer than `min_cell` patients, a statistic of the set tells no value, unless weights are
    selected by it, then with two digits; a mean tells its value, but neither spread nor the number of its cases. A
    metric without rows, whose strata cannot be known, is told with two digits and without an interval, and withheld
    where all cases are of fewer than `min_cell` patients, unless weights are selected by it.
    A statistic that is undefined on more than 5 % of the draws has no interval: the others are not what would be seen.
    Without a value `n` is that of all cases, whether the value is undefined or withheld.

    Args:
        measured: rows of all cases.
        patients: pseudonym of each row's patient; all rows of a patient are drawn together.
        min_cell: least number of patients.
        seed: of the bootstrap.
        key: it selects weights.
        grid: one of many settings: withheld like a statistic of the set.

    Source: Efron B, Tibshirani R. An Introduction to the Bootstrap. 1993, section 13.3; patients as clusters:
        Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 69:369 (2007).
    """
    rows, owners = measured.rows[measured.defined], np.asarray(patients)[measured.defined]
    value, small = measured.value(rows), measured.small(patients, min_cell)
    whole = measured.of_whole_set
    if np.isnan(value) or (small and not key and (grid or whole)):
        return {"value": None, "n": masked(len(patients), min_cell, len(set(patients)))}
    _, which = np.unique(owners, return_inverse=True)
    count = int(which.max()) + 1
    if small:
        return _without_number(round(value, 2 if whole else 4), patients, min_cell)
    if measured.known is not None:
        return {"value": round(value, 2), "n": len(rows)}
    told: dict[str, Any] = {"value": round(value, 4), "n": len(rows)}
    if measured.statistic is None and len(rows) > 1:
        told["sd"] = round(float(rows.std(ddof=1)), 4)
    draws = _means(rows[:, 0], which, count, seed) if measured.statistic is None else _set(measured, rows, which, seed)
    lost = np.isnan(draws)
    if lost.mean() <= UNDEFINED_AT_MOST:
        told["ci95"] = [round(float(edge), 4) for edge in np.percentile(draws[~lost], [2.5, 97.5])]
    return told


def _without_number(value: float | None, patients: Sequence[str], min_cell: int) -> dict[str, Any]:
    """Value alone, and a bound of the number of all cases, which is the same whichever stratum is small."""
    enough = len(set(patients)) >= min_cell
    return {"value": value, "n": below(len(patients) if enough else 0, min_cell)}


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
    return np.asarray(found)
