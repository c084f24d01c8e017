"""Squared error of predicted risks, weighted against censoring, averaged over follow-up.

Graf E, Schmoor C, Sauerbrei W, Schumacher M. Assessment and comparison of prognostic classification schemes for
survival data. Stat Med 18:2529 (1999). scikit-survival is the judge of it in our tests.
"""

from collections.abc import Sequence

import numpy as np

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import censoring, reaches
from fedblocks.metrics.survival_rows import RISK, TIME, Flags, SurvivalRows, happened, until


class IntegratedBrier(SurvivalRows):
    """Mean over time of the Brier score, by trapezia between some times; 0 is best, 0.25 is what a risk of 0.5 gets.

    Args:
        edges_years: edges of the intervals.
        years: two or more rising times; somebody must be followed for longer than the last, or all have had the event.
    """

    def __init__(self, edges_years: Sequence[float], years: Sequence[float]) -> None:
        super().__init__(edges_years, years)
        if len(years) < 2 or sorted(set(years)) != list(years):
            raise ValueError(f"years must be two or more rising times, got {list(years)}; mend the config")

    def strata(self, rows: Rows) -> Flags:
        """Whether each case had the event by the first time, when fewest had."""
        return until(rows, self.years[0])[1]

    def statistic(self, rows: Rows) -> float:
        """Integral over the times, divided by their span; NaN where follow-up ends by the last and some are free."""
        if not reaches(rows[:, TIME], happened(rows), np.nextafter(self.years[-1], np.inf)):
            return float("nan")
        scores = brier_scores(rows, self.years)
        return float(np.trapezoid(scores, self.years) / (self.years[-1] - self.years[0]))


def brier_scores(rows: Rows, years: Sequence[float]) -> Rows:
    """Brier score at each time.

    Args:
        rows: [case, (time, event, risk at each time)]; somebody followed beyond the last time, or all had the event.
        years: the times.
    """
    time, event, when = rows[:, TIME, None], happened(rows)[:, None], np.asarray(years)
    free = censoring(rows[:, TIME], happened(rows))
    own, then = free.at(rows[:, TIME])[:, None], free.at(when)
    risk = rows[:, RISK:]
    came = np.divide((1 - risk) ** 2, own, out=np.zeros(risk.shape), where=event & (time <= when) & (own > 0))
    stayed = np.divide(risk**2, then, out=np.zeros(risk.shape), where=(time > when) & (then > 0))
    return np.asarray((came + stayed).mean(axis=0))
