"""Values, intervals and paired differences of arms: bootstrap over patients within each site, and over seeds.

All arms and seeds are drawn with the same patients and the same seeds, so every difference is a paired one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.bundle import ConfigParser
from numpy.typing import NDArray

from fedblocks.metrics.survival_rows import happened
from fedbundle.files import read_json
from fedbundle.flare.statistics import Measured, drawn
from value.targets import OTHERS, OWN, UNSEEN, WORST, Verdict
from value.ways import CONSENSUS, FEDAVG, LOCAL, POOLED

if TYPE_CHECKING:
    from value.tasks import Task

RESAMPLES = 1000
Draws = NDArray[np.float64]  # [resample]
Statistic = Callable[[NDArray[np.float64]], float] | None


@dataclass(frozen=True)
class Estimate:
    """A number, its value for each seed, and its resamples."""

    value: float
    seeds: NDArray[np.float64]
    draws: Draws

    @property
    def low(self) -> float:
        """Lower end of the 95 % percentile interval."""
        return float(np.nanpercentile(self.draws, 2.5))

    @property
    def high(self) -> float:
        """Upper end of the 95 % percentile interval."""
        return float(np.nanpercentile(self.draws, 97.5))

    def __sub__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.value - other.value, self.seeds - other.seeds, self.draws - other.draws)

    def __truediv__(self, other: "Estimate") -> "Estimate":
        with np.errstate(divide="ignore", invalid="ignore"):
            return Estimate(self.value / other.value, self.seeds / other.seeds, self.draws / other.draws)

    def above(self, chance: float) -> "Estimate":
        """What it has above chance."""
        return Estimate(self.value - chance, self.seeds - chance, self.draws - chance)

    def told(self, sign: bool = False) -> str:
        """`0.812 [0.790, 0.831]`."""
        plus = "+" if sign else ""
        return f"{self.value:{plus}.3f} [{self.low:{plus}.3f}, {self.high:{plus}.3f}]"


def mean_of(estimates: Iterable[Estimate]) -> Estimate:
    """The mean of several, resample by resample."""
    all_of_them = list(estimates)
    return Estimate(
        float(np.mean([each.value for each in all_of_them])),
        np.mean([each.seeds for each in all_of_them], axis=0),
        np.mean([each.draws for each in all_of_them], axis=0),
    )


def worst_of(estimates: Iterable[Estimate]) -> Estimate:
    """The lowest of several, in each resample anew: which site is the worst is a matter of chance too."""
    all_of_them = list(estimates)
    return Estimate(
        min(each.value for each in all_of_them),
        np.min([each.seeds for each in all_of_them], axis=0),
        np.min([each.draws for each in all_of_them], axis=0),
    )


@dataclass(frozen=True)
class Results:
    """All cells of a task: arm -> seed -> content of its file."""

    task: "Task"
    statistics: Mapping[str, Statistic]
    cells: Mapping[str, Mapping[int, dict[str, Any]]]

    @classmethod
    def read(cls, task: "Task", root: Path, arms: Iterable[str], seeds: Iterable[int], place: Path) -> "Results":
        """Read the cells of these arms and seeds."""
        seeds = list(seeds)
        cells = {
            arm: {seed: read_json(place / "cells" / arm.replace(":", "-") / f"{seed}.json") for seed in seeds}
            for arm in arms
        }
        return cls(task, statistics_of(root), cells)

    @cached_property
    def seeds(self) -> list[int]:
        """Seeds of the cells."""
        return sorted(next(iter(self.cells.values())))

    def estimate(self, arm: str, site: str, metric: str = "", part: str = "rows") -> Estimate:
        """One arm at one site; `part` names other rows of the cells, such as those before calibration."""
        metric = metric or self.task.metric
        key = (arm, site, metric, part)
        if key not in self._estimates:
            self._estimates[key] = self._estimate(arm, site, metric, part)
        return self._estimates[key]

    @cached_property
    def _estimates(self) -> dict[tuple[str, str, str, str], Estimate]:
        return {}

    def measured(self, arm: str, seed: int, site: str, metric: str, part: str = "rows") -> Measured:
        """The rows of one cell at one site."""
        rows = np.asarray(self.cells[arm][seed][part][site][metric], np.float64)  # null becomes NaN
        return Measured(rows, self.statistics.get(metric))

    def _estimate(self, arm: str, site: str, metric: str, part: str) -> Estimate:
        values, draws = [], []
        for seed in self.seeds:
            measured = self.measured(arm, seed, site, metric, part)
            patients = self.cells[arm][seed]["patients"][site]
            value, resampled = _resampled(measured, patients, abs(hash_of(site)))
            values.append(value)
            draws.append(resampled)
        chosen = drawn(len(self.seeds), 0, RESAMPLES)
        picked = np.asarray(draws)[chosen.T, np.arange(RESAMPLES)]  # [seed, resample]
        defined = (~np.isnan(picked)).sum(axis=0)
        mixed = np.where(defined, np.nansum(picked, axis=0) / np.maximum(defined, 1), np.nan)
        return Estimate(float(np.mean(values)), np.asarray(values), mixed)

    # what targets ask for

    def mean(self, arm: str, sites: Sequence[str] = (), metric: str = "") -> Estimate:
        """The mean of an arm, or of the local models, over these sites, or over all that trained."""
        if arm in (OTHERS, OWN):
            return mean_of(self.local_others(metric) if arm == OTHERS else self.local_own(metric))
        return mean_of(self.estimate(arm, site, metric) for site in sites or self.task.sites)

    def at(self, arm: str, place: str, metric: str = "") -> Estimate:
        """An arm, or the local models, at one of the places that targets name."""
        local = {OTHERS: self.local_others, OWN: self.local_own}.get(arm)
        if place == UNSEEN:
            return self.local_unseen(metric) if local else self.estimate(arm, self.task.unseen, metric)
        if place == WORST:
            return worst_of(local(metric) if local else self.at_sites(arm, metric))
        return self.mean(arm, metric=metric)

    def events(self, site: str) -> int:
        """Events among the test cases of a site, in a task that counts them."""
        if not self.task.least_events:
            return 0
        return int(happened(self.measured(FEDAVG, self.seeds[0], site, self.task.metric).rows).sum())

    def unseen(self, arm: str) -> Estimate | None:
        """An arm at the site that never trained; where weights stay at home, that site has none."""
        keeps = self.cells[arm][self.seeds[0]].get("keeps", False)
        return None if keeps else self.estimate(arm, self.task.unseen)

    def told(self, arm: str) -> list[str]:
        """Which of the task's further metrics an arm has."""
        rows = self.cells[arm][self.seeds[0]]["rows"][self.task.sites[0]]
        return [metric for metric in self.task.also if metric in rows]

    # what the rows of the table are

    def at_sites(self, arm: str, metric: str = "", part: str = "rows") -> list[Estimate]:
        """An arm at each site that trained."""
        return [self.estimate(arm, site, metric, part) for site in self.task.sites]

    def local_own(self, metric: str = "") -> list[Estimate]:
        """Each local model on its own site's patients."""
        return [self.estimate(f"{LOCAL}:{site}", site, metric) for site in self.task.sites]

    def local_others(self, metric: str = "") -> list[Estimate]:
        """At each site, the mean of the local models of the *other* sites."""
        return [
            mean_of(self.estimate(f"{LOCAL}:{other}", site, metric) for other in self.task.sites if other != site)
            for site in self.task.sites
        ]

    def local_unseen(self, metric: str = "") -> Estimate:
        """The mean of the local models at the site that never trained."""
        return mean_of(self.estimate(f"{LOCAL}:{site}", self.task.unseen, metric) for site in self.task.sites)


def verdicts(results: Results) -> list[Verdict]:
    """Each target of a task, and whether it was met; none is where the test patients had too few events."""
    told, task = [target.verdict(results) for target in results.task.targets], results.task
    if (count := sum(results.events(site) for site in task.sites)) < task.least_events:
        few = f" (too few events: {count} of {task.least_events})"
        return [replace(each, target=each.target + few, met=False) for each in told]
    return told


def table(results: Results) -> list[tuple[str, Estimate, Estimate, Estimate | None, list[Estimate]]]:
    """Rows: arm in words, mean over sites, worst site, unseen site (none of an arm that keeps weights), each site."""
    task = results.task
    rows: list[tuple[str, Estimate, Estimate, Estimate | None, list[Estimate]]] = []
    for arm in results.cells:
        if not arm.startswith(LOCAL):
            sites = results.at_sites(arm)
            rows.append((arm, mean_of(sites), worst_of(sites), results.unseen(arm), sites))
    for name, sites in (
        (OWN, results.local_own()),
        (OTHERS, results.local_others()),
    ):
        rows.append((name, mean_of(sites), worst_of(sites), results.local_unseen(), sites))
    for arm in results.cells:
        if arm.startswith(LOCAL):
            sites = results.at_sites(arm)
            rows.append((arm, mean_of(sites), worst_of(sites), results.estimate(arm, task.unseen), sites))
    order = {POOLED: 0, FEDAVG: 1, CONSENSUS: 3}
    return sorted(rows, key=lambda row: order.get(row[0], 2 if row[0] in task.ways else 4))


def statistics_of(root: Path) -> dict[str, Statistic]:
    """Statistic of each metric of a bundle's evaluator; None for means over cases."""
    parser = ConfigParser()
    parser.read_config(str(root / "configs" / "train.json"))
    parser["bundle_root"] = str(root)
    found: dict[str, Statistic] = {}
    for part in ("key_metric", "additional_metrics"):
        handlers = parser.get_parsed_content(f"validate#{part}", default=None) or {}
        found |= {name: getattr(handler.metric_fn, "statistic", None) for name, handler in handlers.items()}
    return found


def hash_of(site: str) -> int:
    """The same number for the same site in every run."""
    return int.from_bytes(site.encode(), "big") % 2**31


def _resampled(measured: Measured, patients: list[str], seed: int) -> tuple[float, Draws]:
    """Value of all cases, and of each resample of patients; NaN where it is undefined."""
    _, which = np.unique(np.asarray(patients), return_inverse=True)
    count = int(which.max()) + 1
    picked = drawn(count, seed, RESAMPLES)
    if measured.statistic is None:
        values = measured.rows[:, 0]
        keep = ~np.isnan(values)
        sums = np.bincount(which[keep], values[keep], count)
        sizes = np.bincount(which[keep], minlength=count)
        with np.errstate(invalid="ignore"):
            return float(values[keep].mean()), sums[picked].sum(axis=1) / sizes[picked].sum(axis=1)
    of_patient = [np.flatnonzero(which == patient) for patient in range(count)]
    rows = measured.rows
    draws = [measured.value(rows[np.concatenate([of_patient[patient] for patient in one])]) for one in picked]
    return measured.value(), np.asarray(draws)
