"""Values, intervals and verdicts of arms, from cells whose truth is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from value.compare import Results, mean_of, table, verdicts
from value.tasks import Task

TASK = Task(
    bundle="none",
    metric="m",
    called="m",
    trivial="",
    margin=0.02,
    sites=("a", "b"),
    unseen="u",
    patients=0,
    rounds=1,
    local_epochs=1,
)
SEEDS, PATIENTS = range(3), 60


def cell(level: dict[str, float], seed: int) -> dict[str, Any]:
    """Rows of 60 patients at each site around these levels; the patients' own difficulty is the same in all cells."""
    rows = {}
    for place, site in enumerate(("a", "b", "u")):
        hard = np.random.default_rng(place).normal(0, 0.1, PATIENTS)
        own = np.random.default_rng([seed, place]).normal(0, 0.01, PATIENTS)
        rows[site] = {"m": [[value] for value in level[site] + hard + own]}
    return {"rows": rows, "patients": {site: [str(n) for n in range(PATIENTS)] for site in rows}}


def results(fedavg: float = 0.85, harm: bool = False) -> Results:
    levels = {
        "pooled": {"a": 0.86, "b": 0.86, "u": 0.8},
        "fedavg": {"a": fedavg, "b": fedavg, "u": 0.8},
        "local:a": {"a": 0.84, "b": 0.6, "u": 0.7},
        "local:b": {"a": 0.7, "b": 0.84, "u": 0.7},
    }
    task = TASK
    if harm:
        levels["fedavg:b"] = {"a": 0.5, "b": 0.9, "u": 0.6}
        task = replace(TASK, subsets={"b": ("b",)}, harm=("b", 0.02))
    cells = {arm: {seed: cell(level, seed) for seed in SEEDS} for arm, level in levels.items()}
    return Results(task, {"m": None}, cells)


def test_differences_are_paired() -> None:
    found = results()
    single = found.estimate("fedavg", "a")
    difference = single - found.estimate("pooled", "a")
    assert single.high - single.low > 0.03  # the patients' difficulty
    assert difference.high - difference.low < 0.01  # which both arms share
    assert difference.value == pytest.approx(-0.01, abs=0.005)


def test_locals_are_judged_on_the_patients_of_others() -> None:
    others = results().local_others()
    assert [each.value for each in others] == pytest.approx([0.7, 0.6], abs=0.05)


def test_the_interval_of_a_statistic_comes_from_whole_patients() -> None:
    rows = np.stack([np.arange(40.0) % 10, np.arange(40) % 2], axis=1).tolist()
    made = {"rows": {"a": {"m": rows}}, "patients": {"a": [str(n // 4) for n in range(40)]}}
    found = Results(replace(TASK, sites=("a",)), {"m": lambda some: float(some[:, 0].mean())}, {"x": {0: made}})
    estimate = found.estimate("x", "a")
    assert estimate.value == pytest.approx(4.5)
    assert estimate.low < 4.5 < estimate.high


def test_targets_are_met_or_missed() -> None:
    assert [verdict.met for verdict in verdicts(results())] == [True, True, True]
    assert [verdict.met for verdict in verdicts(results(fedavg=0.80))] == [False, True, True]
    assert [verdict.met for verdict in verdicts(results(fedavg=0.60))] == [False, False, True]


def test_harm_to_a_subset_is_seen() -> None:
    found = verdicts(results(harm=True))[-1]
    assert (found.met, found.found.value) == (False, pytest.approx(-0.05, abs=0.01))


def test_the_table_holds_every_arm_with_its_worst_site() -> None:
    rows = {name: (mean.value, worst.value) for name, mean, worst, *_ in table(results())}
    assert {"pooled", "fedavg", "local, own patients", "local, other sites' patients", "local:a"} <= rows.keys()
    mean, worst = rows["local, other sites' patients"]
    assert worst < mean


def test_a_mean_of_estimates_keeps_seeds_and_resamples() -> None:
    found = mean_of(results().at_sites("fedavg"))
    assert len(found.seeds) == len(SEEDS)
    assert found.low < found.value < found.high
