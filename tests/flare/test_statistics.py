"""What a hospital tells of its per-case results."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from fedblocks.metrics.auroc import GroupAUROC
from fedblocks.metrics.brier import IntegratedBrier
from fedblocks.metrics.concordance import UnoC
from fedblocks.metrics.detection_rows import COLUMNS, PatientAUROC
from fedblocks.metrics.event_share import EventShare
from fedblocks.metrics.net_benefit import NetBenefit
from fedblocks.metrics.risk_calibration import CalibrationInTheLarge, CalibrationSlope
from fedblocks.metrics.survival_rows import SurvivalRows
from fedblocks.metrics.time_auc import TimeAUC
from fedbundle.flare.statistics import Measured, summaries, summary
from fedbundle.site.small_counts import below, masked

NAN = float("nan")


def of(values: list[float], patients: list[str] | None = None) -> dict[str, object]:
    return summary(Measured.of_cases(values), patients or [str(n) for n in range(len(values))], 5, seed=0)


def largest(rows: np.ndarray) -> float:
    return float(rows[:, 0].max()) if rows[:, 1].any() else float("nan")


def test_interval_holds_the_mean_and_matches_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.8, 0.1, 200)
    found = of(list(values))
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert found["ci95"] == pytest.approx([values.mean() - half, values.mean() + half], abs=2e-3)
    assert found["n"] == 200


def test_patients_with_many_cases_are_drawn_whole() -> None:
    values = list(np.random.default_rng(1).normal(0.8, 0.1, 50))
    single, fourfold = of(values)["ci95"], of(values * 4, [str(n) for n in range(50)] * 4)["ci95"]
    assert fourfold == pytest.approx(single, abs=1e-9)


def test_few_patients_give_no_spread() -> None:
    assert of([0.5, 0.7]) == {"value": 0.6, "n": "<5"}


def areas(positives: int, negatives: int) -> Measured:
    """An area under a curve; scores and truths overlap."""
    rows = [
        *([0.4 + 0.5 * n / positives, 1] for n in range(positives)),
        *([0.6 * n, 0] for n in np.linspace(0, 1, negatives)),
    ]
    return Measured(np.array(rows), GroupAUROC.statistic, GroupAUROC.strata)


def told(measured: Measured, **purpose: bool) -> dict[str, Any]:
    return summary(measured, [str(n) for n in range(len(measured.rows))], 5, seed=0, **purpose)


def test_undefined_cases_are_left_out() -> None:
    found = of([0.5] * 5 + [0.7] * 5 + [NAN] * 5)
    assert (found["value"], found["n"]) == (0.6, 10)
    assert of([NAN]) == {"value": None, "n": "<5"}


@pytest.mark.parametrize(("defined", "undefined", "n"), [(13, 3, "<20"), (9, 2, "<20"), (6, 1, "<10"), (3, 13, "<20")])
def test_few_undefined_cases_do_not_come_out_by_subtraction(defined: int, undefined: int, n: str) -> None:
    assert of([0.25] * defined + [NAN] * undefined) == {"value": 0.25, "n": n}  # spread and interval give n too


@pytest.mark.parametrize(("positives", "negatives"), [(3, 13), (13, 4), (1, 1), (4, 4)])
def test_a_curve_of_few_patients_of_one_kind_is_told_like_an_undefined_one(positives: int, negatives: int) -> None:
    few = told(areas(positives, negatives))
    assert few == told(areas(positives + negatives, 0)) == {"value": None, "n": masked(positives + negatives, 5)}


def test_patients_of_a_stratum_are_counted_and_not_their_cases() -> None:
    owners = [f"p{n % 4}" for n in range(8)] + [f"n{n}" for n in range(8)]
    assert summary(areas(8, 8), owners, 5, seed=0) == {"value": None, "n": 16}
    assert told(areas(5, 5))["n"] == 10


def test_the_metric_that_selects_is_told_without_its_number() -> None:
    """16 cases and 3 positives: 0.5897 is 23 of 3 * 13."""
    every = {"val_auc": areas(3, 13), "val_nll": Measured.of_cases([0.3] * 16), "val_other": areas(2, 14)}
    found = summaries(every, [str(n) for n in range(16)], 5, 0, key="val_auc")
    exact = areas(3, 13).value()
    assert round(exact, 4) != round(exact, 2)
    assert found == {
        "val_auc": {"value": round(exact, 2), "n": "<20"},
        "val_nll": {"value": 0.3, "n": "<20"},
        "val_other": {"value": None, "n": "<20"},
    }
    assert summaries(every, [str(n) for n in range(16)], 5, 0)["val_auc"] == {"value": None, "n": 16}


@pytest.mark.parametrize("cases", [1, 4, 5])
def test_a_calibration_grid_leaves_from_the_cell_size_upwards(cases: int) -> None:
    """The points of one case would give its probabilities."""
    grid = {f"val_nll_at_{n}": Measured.of_cases([0.1 * n] * cases) for n in range(15)}
    found = summaries(grid, [str(n) for n in range(cases)], 5, 0, grid=list(grid))
    assert [each["value"] is None for each in found.values()] == [cases < 5] * 15


def test_of_detection_maps_patients_with_and_without_cancer_are_the_strata() -> None:
    rows = np.full((16, COLUMNS), NAN)
    rows[:, 0], rows[:, 1] = np.arange(16) < 3, np.linspace(0, 1, 16)
    assert told(Measured(rows, PatientAUROC.statistic, PatientAUROC.strata)) == {"value": None, "n": 16}
    rows[:, 0] = np.arange(16) < 5
    assert told(Measured(rows, PatientAUROC.statistic, PatientAUROC.strata))["value"] == 0.0


def test_no_few_positives_follow_from_all_that_an_evaluation_tells() -> None:
    """All splits of up to 12 cases with the best curve: what is told of few of a kind is told of other numbers too."""
    alike: dict[str, set[tuple[int, int]]] = {}
    for positives, negatives in product(range(12), range(12)):
        if 0 < positives + negatives <= 12:
            rows = np.array([[1.0, 1]] * positives + [[0.0, 0]] * negatives)
            curve = Measured(rows, GroupAUROC.statistic, GroupAUROC.strata)
            dice = Measured.of_cases([0.5] * positives + [NAN] * negatives)
            owners = [str(n) for n in range(len(rows))]
            found = summaries({"auc": curve, "dice": dice}, owners, 5, 0)
            alike.setdefault(repr(found), set()).add((positives, negatives))
    for group in alike.values():
        for counts in map(set, zip(*group, strict=True)):
            assert len(counts) > 1 or counts <= {0, *range(5, 13)}


def test_patients_are_counted_and_not_their_cases() -> None:
    assert of([0.5, 0.7] * 4, ["a", "b", "c", "d"] * 2) == {"value": 0.6, "n": "<5"}
    assert of([0.5, 0.7] * 5, ["a", "b", "c", "d", "e"] * 2)["n"] == 10


def test_a_statistic_of_the_set_has_an_interval_and_no_spread_of_cases() -> None:
    rows = np.stack([np.arange(40.0), np.ones(40)], axis=1)
    found = told(Measured(rows, largest))
    assert (found["value"], found["n"]) == (39.0, 40)
    assert "sd" not in found
    assert found["ci95"][0] < found["ci95"][1] == 39.0


def test_an_undefined_statistic_is_no_number() -> None:
    assert told(Measured(np.zeros((9, 2)), largest)) == {"value": None, "n": 9}


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, "<5"), (4, "<5"), (5, 5)])
def test_small_counts_are_masked(count: int, shown: object) -> None:
    assert masked(count, 5) == shown


@pytest.mark.parametrize(("count", "bound"), [(4, "<5"), (5, "<10"), (9, "<10"), (10, "<20"), (40, "<80")])
def test_a_number_that_is_not_told_has_a_rough_bound(count: int, bound: str) -> None:
    assert below(count, 5) == bound


@pytest.mark.parametrize(
    "metric",
    [
        UnoC([0, 5, 10], 5),
        TimeAUC([0, 5, 10], 5),
        IntegratedBrier([0, 5, 10], [5, 9]),
        CalibrationSlope([0, 5, 10], 5),
        CalibrationInTheLarge([0, 5, 10], 5),
        NetBenefit([0, 5, 10], 5, 0.2),
        EventShare([0, 5, 10], 5, 1),
        EventShare([0, 5, 10], 5, 2),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_of_few_with_the_event_by_the_horizon_nothing_leaves_though_many_have_it_later(metric: SurvivalRows) -> None:
    """60 hips, one with the event after a year and ten after eight; of twenty by the horizon the value is told."""
    for early, leaves in ((1, False), (20, True)):
        time = np.repeat([1.0, 8.0, 12.0], [early, 10, 50 - early])
        risks = np.random.default_rng(0).uniform(0.05, 0.5, (60, 1)).repeat(len(metric.years), axis=1)
        rows = np.column_stack([time, (time < 12) * getattr(metric, "event", 1), risks])
        assert np.isfinite(metric.statistic(rows))
        found = told(Measured(rows, metric.statistic, metric.strata))
        assert found["n"] == 60
        assert (found["value"] is not None) == ("ci95" in found) == leaves


@pytest.mark.parametrize(("share", "there"), [(0.0, True), (0.04, True), (0.2, False)])
def test_no_interval_where_many_draws_are_undefined(share: float, there: bool) -> None:
    """The first call is the value's own."""
    values = iter([0.5, *np.where(np.arange(500) < 500 * share, NAN, 0.5)])
    found = told(Measured(np.ones((40, 1)), lambda _: next(values)))
    assert (found["value"], found["n"], "ci95" in found) == (0.5, 40, there)
