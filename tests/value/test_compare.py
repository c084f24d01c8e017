"""Values, intervals and verdicts of arms, from cells whose truth is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from value.compare import Results, mean_of, table, verdicts, worst_of
from value.targets import OTHERS, WORST, Above, AtLeast, Share, Within, standard
from value.tasks import Task
from value.ways import FEDAVG, Way

TASK = Task(
    bundle="none",
    metric="m",
    called="m",
    baselines={},
    sites=("a", "b"),
    unseen="u",
    patients=0,
    rounds=1,
    local_epochs=1,
    ways={FEDAVG: Way()},
    targets=standard(FEDAVG, 0.02),
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
        ways = {FEDAVG: Way(), "fedavg:b": Way(sites=("b",))}
        task = replace(TASK, ways=ways, targets=(*TASK.targets, AtLeast(FEDAVG, "fedavg:b", 0.02, ("b",))))
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
    level = np.random.default_rng(0).normal(0, 1, 30)
    rows = [[value] for value in level for _ in range(9)]  # nine equal cases of each patient
    made = {"rows": {"a": {"m": rows}}, "patients": {"a": [str(n) for n in range(30) for _ in range(9)]}}
    found = Results(replace(TASK, sites=("a",)), {"m": lambda some: float(some[:, 0].mean())}, {"x": {0: made}})
    estimate = found.estimate("x", "a")
    of_patients = 2 * 1.96 * level.std() / np.sqrt(30)  # of cases it would be a third
    assert estimate.high - estimate.low == pytest.approx(of_patients, rel=0.2)


def test_targets_are_met_or_missed() -> None:
    assert [verdict.met for verdict in verdicts(results())] == [True, True, True]
    assert [verdict.met for verdict in verdicts(results(fedavg=0.80))] == [False, True, True]
    assert [verdict.met for verdict in verdicts(results(fedavg=0.60))] == [False, False, True]


def test_a_gain_that_may_be_chance_is_no_gain() -> None:
    found = results()
    for seed, cell_of_seed in found.cells["fedavg"].items():
        noise = np.random.default_rng(seed).normal(0, 1.0, PATIENTS)
        cell_of_seed["rows"]["u"]["m"] = [[0.72 + value] for value in noise - noise.mean()]
    gain = verdicts(found)[2]
    assert gain.found.value > 0 > gain.found.low
    assert not gain.met


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


def test_resamples_without_a_value_are_left_out_of_the_interval() -> None:
    rows = [[float(n < 2)] for n in range(12)]  # two patients; a resample often holds neither
    made = {"rows": {"a": {"m": rows}}, "patients": {"a": [str(n) for n in range(12)]}}

    def statistic(some: np.ndarray) -> float:
        return float(some.mean()) if some.any() else float("nan")

    estimate = Results(replace(TASK, sites=("a",)), {"m": statistic}, {"x": {0: made}}).estimate("x", "a")
    assert np.isnan(estimate.draws).any()
    assert 0 < estimate.low <= estimate.value <= estimate.high


def test_a_share_of_what_an_oracle_has_above_chance() -> None:
    found = Share("fedavg", "pooled", 0.9).verdict(results(fedavg=0.80))
    assert (found.met, found.found.value) == (False, pytest.approx(0.30 / 0.36, abs=0.03))
    assert Share("fedavg", "pooled", 0.8).verdict(results(fedavg=0.80)).met


def test_a_metric_between_two_values() -> None:
    assert Within("fedavg", "m", 0.8, 0.9).verdict(results()).met
    assert not Within("fedavg", "m", 0.9, 1.2).verdict(results()).met


def test_the_worst_site_of_one_arm_against_that_of_another() -> None:
    found = Above("fedavg", OTHERS, WORST, "m").verdict(results())
    assert found.met
    assert found.found.value == pytest.approx(0.85 - 0.60, abs=0.05)


def test_the_worst_site_is_looked_for_in_each_resample() -> None:
    found = results()
    sites = found.at_sites("fedavg")
    worst = worst_of(sites)
    assert np.array_equal(worst.draws, np.minimum(sites[0].draws, sites[1].draws))
    assert worst.value == min(each.value for each in sites)
    assert 0 < (worst.draws == sites[0].draws).mean() < 1  # either may be it


def test_errors_of_two_sites_do_not_make_up_for_one_another() -> None:
    levels = {"a": 0.5, "b": 1.5, "u": 1.0}
    found = Results(TASK, {"m": None}, {"fedavg": {seed: cell(levels, seed) for seed in SEEDS}})
    assert Within("fedavg", "m", 0.8, 1.2).verdict(found).met
    assert not Within("fedavg", "m", 0.8, 1.2, everywhere=True).verdict(found).met


def test_nothing_is_met_on_too_few_events() -> None:
    rows = [[5.0, float(n % 3), 0.1] for n in range(PATIENTS)]  # a third of them had the event
    made = {"rows": {site: {"m": rows} for site in "abu"}, "patients": {s: [str(n) for n in range(60)] for s in "abu"}}
    task = replace(TASK, targets=(Within("fedavg", "m", 0, 9),), least_events=41)
    found = Results(task, {"m": lambda some: float(some[:, 0].mean())}, {"fedavg": {0: made}})
    assert found.events("a") == 20
    (told,) = verdicts(found)
    assert (told.met, "too few events: 40 of 41" in told.target) == (False, True)
    assert verdicts(replace(found, task=replace(task, least_events=40)))[0].met


def test_an_arm_that_keeps_weights_has_no_value_where_it_never_trained() -> None:
    made = {seed: cell({"a": 0.5, "b": 1.5, "u": 1.0}, seed) | {"keeps": True} for seed in SEEDS}
    assert Results(TASK, {"m": None}, {"fedavg": made}).unseen("fedavg") is None
    assert results().unseen("fedavg") is not None
