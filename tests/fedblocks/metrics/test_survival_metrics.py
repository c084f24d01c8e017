"""Metrics of survival against scikit-survival, on times with ties and censoring, and by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sksurv import metrics as judge
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from fedblocks.metrics.brier import IntegratedBrier, brier_scores
from fedblocks.metrics.concordance import HarrellC, UnoC
from fedblocks.metrics.event_share import EventShare
from fedblocks.metrics.kaplan_meier import survival
from fedblocks.metrics.net_benefit import NetBenefit, decision_curve
from fedblocks.metrics.risk_calibration import CalibrationInTheLarge, CalibrationSlope, calibration_curve
from fedblocks.metrics.survival_rows import SurvivalRows
from fedblocks.metrics.time_auc import TimeAUC
from fedblocks.survival import risk_at

EDGES = [0, 1, 2, 5, 10]
ALL: list[SurvivalRows] = [
    HarrellC(EDGES),
    UnoC(EDGES, 8),
    TimeAUC(EDGES, 5),
    IntegratedBrier(EDGES, [1, 2, 5]),
    CalibrationSlope(EDGES, 5),
    CalibrationInTheLarge(EDGES, 5),
    NetBenefit(EDGES, 5, 0.2),
    EventShare(EDGES, 5, 2),
]
Rows = NDArray[np.float64]


def drawn(seed: int, cases: int = 300, ties: bool = True) -> Rows:
    """Rows [time, event, risk at 1, 2 and 5 years]; times to a tenth of a year, risks to two digits."""
    random = np.random.default_rng(seed)
    value = random.normal(size=cases)
    rate = 0.1 * np.exp(value)
    times = [random.exponential(1 / rate), random.exponential(20, cases), random.uniform(0.2, 13, cases)]
    time, event = np.min(times, axis=0), np.array([1, 2, 0])[np.argmin(times, axis=0)]
    risk = 1 - np.exp(-rate[:, None] * np.exp(random.normal(0, 0.5, (cases, 1))) * np.array([1, 2, 5]))
    time = np.ceil(time * 10) / 10 if ties else time
    return np.column_stack([time, event, np.round(risk, 2).clip(0.01, 0.99) if ties else risk])


def structured(rows: Rows) -> NDArray[Any]:
    return np.array([(e == 1, t) for t, e in rows[:, :2]], dtype=[("event", bool), ("time", float)])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [True, False])
def test_they_are_scikit_survivals(seed: int, ties: bool) -> None:
    rows = drawn(seed, ties=ties)
    truth, event, time, risk = structured(rows), rows[:, 1] == 1, rows[:, 0], rows[:, 2:]
    one = np.delete(rows, [2, 3], axis=1)  # risk at 5 years
    exact = {"rel": 0, "abs": 1e-9}
    assert HarrellC(EDGES).statistic(one) == pytest.approx(
        judge.concordance_index_censored(event, time, one[:, 2])[0], **exact
    )
    assert UnoC(EDGES, 8).statistic(one) == pytest.approx(
        judge.concordance_index_ipcw(truth, truth, one[:, 2], tau=8)[0], **exact
    )
    assert TimeAUC(EDGES, 5).statistic(one) == pytest.approx(
        judge.cumulative_dynamic_auc(truth, truth, one[:, 2], 5)[0][0], **exact
    )
    expected = judge.brier_score(truth, truth, 1 - risk, [1, 2, 5])[1]
    np.testing.assert_allclose(brier_scores(rows, [1, 2, 5]), expected, rtol=0, atol=1e-9)
    assert IntegratedBrier(EDGES, [1, 2, 5]).statistic(rows) == pytest.approx(
        judge.integrated_brier_score(truth, truth, 1 - risk, [1, 2, 5]), **exact
    )


@pytest.mark.parametrize("seed", range(3))
def test_calibration_is_that_of_cox_and_kaplan_meier(seed: int) -> None:
    rows = np.delete(drawn(seed), [2, 3], axis=1)
    until = np.array([(e == 1 and t <= 5, min(t, 5)) for t, e in rows[:, :2]], dtype=[("event", bool), ("time", float)])
    value = np.log(-np.log(1 - rows[:, 2]))[:, None]
    cox = CoxPHSurvivalAnalysis(ties="breslow", tol=1e-12, n_iter=100).fit(value, until)
    assert CalibrationSlope(EDGES, 5).statistic(rows) == pytest.approx(cox.coef_[0], abs=1e-6)
    times, free = kaplan_meier_estimator(rows[:, 1] == 1, rows[:, 0])
    np.testing.assert_allclose(survival(rows[:, 0], rows[:, 1] == 1).at(times), free, atol=1e-12)
    observed = 1 - free[times <= 5][-1]
    told = CalibrationInTheLarge(EDGES, 5).statistic(rows)
    assert told == pytest.approx(observed / rows[:, 2].mean(), abs=1e-9)
    curve = calibration_curve(rows, 5, groups=1)
    assert curve.tolist() == [[pytest.approx(rows[:, 2].mean()), pytest.approx(observed), 300]]
    times, shares = cumulative_incidence_competing_risks(rows[:, 1].astype(int), rows[:, 0])
    for event in (1, 2):
        at_five = shares[event][times <= 5][-1]
        assert EventShare(EDGES, 5, event).statistic(rows) == pytest.approx(at_five, abs=1e-9)


def test_net_benefit_by_hand() -> None:
    """Ten uncensored; four treated, of whom three have it: 0.3 - 0.1 * 0.25; treating all: 0.4 - 0.6 * 0.25."""
    time = np.array([1, 2, 3, 9, 4, 9, 9, 9, 9, 9.0])
    risk = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    rows = np.column_stack([time, time < 9, risk])
    assert NetBenefit(EDGES, 5, 0.2).statistic(rows) == pytest.approx(0.3 - 0.1 * 0.25)
    curve = decision_curve(rows, 5, [0.2, 0.95])
    np.testing.assert_allclose(curve, [[0.2, 0.275, 0.4 - 0.6 * 0.25], [0.95, 0, 0.4 - 0.6 * 19]], atol=1e-12)


def test_a_true_model_is_calibrated_and_a_shrunken_one_is_not() -> None:
    random = np.random.default_rng(0)
    value = random.normal(size=20000)
    hazard = 0.05 * np.exp(value)
    time = random.exponential(1 / hazard)
    rows = np.column_stack([time.clip(max=12), time < 12, 1 - np.exp(-hazard * 5)])
    assert CalibrationSlope(EDGES, 5).statistic(rows) == pytest.approx(1, abs=0.05)
    assert CalibrationInTheLarge(EDGES, 5).statistic(rows) == pytest.approx(1, abs=0.05)
    rows[:, 2] = 1 - np.exp(-0.05 * np.exp(2 * value) * 5)
    assert CalibrationSlope(EDGES, 5).statistic(rows) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: type(metric).__name__)
def test_called_as_monai_does_and_undefined_where_nothing_is(metric: SurvivalRows) -> None:
    torch.manual_seed(2)
    logits = torch.randn(60, 4) - 2
    label = torch.stack([torch.rand(60) * 12 + 0.1, torch.randint(3, (60,)).float()], dim=1)
    metric.reset()
    metric(logits[:20], label[:20])
    metric(logits[20:], label[20:])
    rows = metric.get_buffer().double().numpy()
    np.testing.assert_allclose(rows[:, 2:], risk_at(logits, EDGES, metric.years), rtol=1e-6)
    assert metric.aggregate() == metric.statistic(rows)
    assert np.isfinite(metric.aggregate())
    assert np.isnan(metric.statistic(rows[:0]))
    assert len(metric.strata(rows)) == 60
    none = rows[rows[:, 1] == 0]
    none[:, 0] = none[:, 0].clip(max=4)  # nobody is followed to 5 years, nothing happened
    assert np.isnan(metric.statistic(none)) or isinstance(metric, NetBenefit)  # of treating nobody it is 0
    with pytest.raises(ValueError, match="labels must be"):
        metric(logits, label[:, :1])


def test_groups_of_net_benefit_are_treated_by_outcome() -> None:
    time = np.array([1, 6, 1, 6, 1, 6.0])
    rows = np.column_stack([time, [1, 0, 0, 1, 1, 0], [0.9, 0.9, 0.9, 0.1, 0.1, 0.1]])
    assert NetBenefit(EDGES, 5, 0.2).strata(rows).tolist() == [4, 3, 5, 0, 1, 0]


def test_of_an_area_those_without_known_outcome_are_no_controls() -> None:
    rows = np.array([[1, 1, 0.9], [5, 0, 0.2], [4, 2, 0.2], [6, 1, 0.1], [5, 1, 0.1]])
    assert TimeAUC(EDGES, 5).strata(rows).tolist() == [1, 2, 2, 0, 1]


def test_known_before_the_horizon_where_all_had_the_event_and_not_where_some_left() -> None:
    """Follow-up ends after 3 years. All ten had it: share 1, observed over expected 2, net benefit 1."""
    rows = np.column_stack([np.linspace(0.3, 3, 10), np.ones(10), *[np.full(10, 0.5)] * 3])
    one = rows[:, :3]
    expected = {
        CalibrationInTheLarge(EDGES, 5): 2,
        NetBenefit(EDGES, 5, 0.2): 1,
        EventShare(EDGES, 5, 1): 1,
        UnoC(EDGES, 8): 0.5,
    }
    left = one.copy()
    left[-1, 1] = 0
    for metric, value in expected.items():
        assert metric.statistic(one) == pytest.approx(value)
        assert np.isnan(metric.statistic(left))
    assert IntegratedBrier(EDGES, [3, 4, 5]).statistic(rows) == pytest.approx(0.25)
    assert calibration_curve(one, 5, groups=1)[0, 1] == 1
    assert np.isnan(calibration_curve(left, 5, groups=1)[0, 1])


def test_unos_c_needs_follow_up_to_its_time() -> None:
    rows = np.delete(drawn(0), [2, 3], axis=1)
    short = rows.copy()
    short[:, 1] *= short[:, 0] <= 6
    short[:, 0] = short[:, 0].clip(max=6)
    assert np.isfinite(UnoC(EDGES, 8).statistic(rows)) and np.isfinite(UnoC(EDGES, 6).statistic(short))
    assert np.isnan(UnoC(EDGES, 8).statistic(short))
