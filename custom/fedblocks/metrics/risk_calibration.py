"""Do predicted risks come true? Slope, calibration in the large and curve at a horizon.

Van Houwelingen HC. Validation, calibration, revision and combination of prognostic survival models. Stat Med 19:3401
(2000). Royston P, Altman DG. External validation of a Cox prognostic model: principles and methods. BMC Med Res
Methodol 13:33 (2013). Against Kaplan-Meier: a risk in a world without death from other causes.
"""

from collections.abc import Sequence

import numpy as np

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import reaches, survival
from fedblocks.metrics.survival_rows import RISK, TIME, Flags, SurvivalRows, happened, until

STEPS, PRECISE, STEEPEST = 50, 1e-9, 50.0
FAINTEST = 1e-7  # risks nearer to 0 or 1 are taken for this


class CalibrationSlope(SurvivalRows):
    """Coefficient of log(-log(1 - risk)) in a Cox regression of what happened up to a horizon.

    1 is best; below 1 risks are too extreme, as of an overfitted network. It does not tell whether they are too high.

    Args:
        edges_years: edges of the intervals.
        years: the horizon.
    """

    def __init__(self, edges_years: Sequence[float], years: float) -> None:
        super().__init__(edges_years, [years])

    def strata(self, rows: Rows) -> Flags:
        """Whether each case had the event by the horizon."""
        return until(rows, self.years[0])[1]

    def statistic(self, rows: Rows) -> float:
        """Slope; NaN where there is none, since nothing happened, all risks are one, or they sort all events."""
        risk = rows[:, RISK].clip(FAINTEST, 1 - FAINTEST)
        time, event = until(rows, self.years[0])
        return cox_coefficient(time, event, np.log(-np.log1p(-risk)))


def cox_coefficient(time: Rows, event: Flags, value: Rows) -> float:
    """Coefficient of one covariate by Cox's partial likelihood (Breslow 1974 for ties), by Newton's method."""
    if not event.any() or np.ptp(value) < PRECISE:
        return float("nan")
    order = np.argsort(-time, kind="stable")
    time, event, value = time[order], event[order], value[order] - value.mean()
    last = np.searchsorted(-time, -time[event], side="right") - 1  # all with a time as late or later are at risk
    told, beta = value[event].sum(), 0.0
    for _ in range(STEPS):
        weight = np.exp(beta * value)
        zero, one, two = (np.cumsum(weight * value**power)[last] for power in range(3))
        curvature = float((two / zero - (one / zero) ** 2).sum())
        if not curvature > 0:
            return float("nan")
        step = float(told - (one / zero).sum()) / curvature
        beta += float(np.clip(step, -2, 2))
        if abs(beta) > STEEPEST:
            return float("nan")
        if abs(step) < PRECISE:
            return beta
    return float("nan")


class CalibrationInTheLarge(SurvivalRows):
    """Share with the event by a horizon (1 - Kaplan-Meier) over the mean risk; 1 is best, below 1 risks are too high.

    Args:
        edges_years: edges of the intervals.
        years: the horizon.
    """

    def __init__(self, edges_years: Sequence[float], years: float) -> None:
        super().__init__(edges_years, [years])

    def strata(self, rows: Rows) -> Flags:
        """Whether each case had the event by the horizon."""
        return until(rows, self.years[0])[1]

    def statistic(self, rows: Rows) -> float:
        """Observed over expected; NaN without cases, or where follow-up ends before while some are event-free."""
        if not reaches(rows[:, TIME], happened(rows), self.years[0]):
            return float("nan")
        seen = 1 - survival(rows[:, TIME], happened(rows)).at(self.years[0])
        return float(seen / rows[:, RISK].mean())


def calibration_curve(rows: Rows, years: float, groups: int = 10) -> Rows:
    """Points of the calibration curve: [group, (mean risk, share that had the event, cases)], by rising risk.

    Args:
        rows: [case, (time, event, risk at the horizon)].
        years: the horizon.
        groups: of as many cases each as can be; a group whose follow-up ends before the horizon while some are free
            of the event has NaN.
    """
    points = []
    for some in np.array_split(np.argsort(rows[:, RISK], kind="stable"), groups):
        if len(some):
            group = rows[some]
            known = reaches(group[:, TIME], happened(group), years)
            seen = 1 - float(survival(group[:, TIME], happened(group)).at(years)) if known else np.nan
            points.append([group[:, RISK].mean(), seen, len(group)])
    return np.asarray(points, np.float64)
