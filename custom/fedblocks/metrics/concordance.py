"""Concordance of risk and time: of two patients, does the one with the higher risk have the event first?

Harrell FE, Califf RM, Pryor DB, Lee KL, Rosati RA. Evaluating the yield of medical tests. JAMA 247:2543 (1982). Uno H,
Cai T, Pencina MJ, D'Agostino RB, Wei LJ. On the C-statistics for evaluating overall adequacy of risk prediction
procedures with censored survival data. Stat Med 30:1105 (2011). scikit-survival is the judge of both in our tests.
"""

from collections.abc import Sequence

import numpy as np

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import censoring, reaches
from fedblocks.metrics.survival_rows import RISK, TIME, Flags, SurvivalRows, happened

AT_ONCE = 512  # events that are compared with all cases at a time


def concordance(time: Rows, event: Flags, score: Rows, weight: Rows) -> float:
    """Share of comparable pairs in which the higher score has the earlier event, ties of scores counting half.

    Comparable is whoever has an event with each who is event-free after it or censored at the same time; NaN without
    such a pair.

    Args:
        time: [case], years.
        event: [case], bool.
        score: [case], higher = event expected earlier.
        weight: [case], of the pairs in which the case has the earlier event.
    """
    right = total = 0.0
    cases = np.flatnonzero(event & (weight > 0))
    for start in range(0, len(cases), AT_ONCE):
        some = cases[start : start + AT_ONCE]
        own, later = time[some, None], (time > time[some, None])
        comparable = later | ((time == own) & ~event)
        wins = (score < score[some, None]) + 0.5 * (score == score[some, None])
        right += float(((wins * comparable).sum(axis=1) * weight[some]).sum())
        total += float((comparable.sum(axis=1) * weight[some]).sum())
    return right / total if total else float("nan")


class HarrellC(SurvivalRows):
    """Harrell's C of the risk up to the last edge; 0.5 is chance, higher is better.

    It hangs on how long hospitals follow up; compare those of like censoring, or take `UnoC`.
    """

    def __init__(self, edges_years: Sequence[float]) -> None:
        super().__init__(edges_years, [edges_years[-1]])

    def strata(self, rows: Rows) -> Flags:
        """Whether each case had the event, at any time."""
        return happened(rows)

    def statistic(self, rows: Rows) -> float:
        """Concordance; NaN where no pair is comparable."""
        return concordance(rows[:, TIME], happened(rows), rows[:, RISK], np.ones(len(rows)))


class UnoC(SurvivalRows):
    """Uno's C up to a time, weighted by 1 / G(time)^2 against censoring; 0.5 is chance, higher is better.

    Args:
        edges_years: edges of the intervals.
        years: events from here on do not count; somebody must be followed to it, or all have had the event.
    """

    def __init__(self, edges_years: Sequence[float], years: float) -> None:
        super().__init__(edges_years, [edges_years[-1]])
        self.tau = years

    def strata(self, rows: Rows) -> Flags:
        """Whether each case had an event that counts."""
        return happened(rows) & (rows[:, TIME] < self.tau)

    def statistic(self, rows: Rows) -> float:
        """Concordance; NaN where no pair is comparable, or follow-up ends before the time while some are event-free."""
        time, event, counted = rows[:, TIME], happened(rows), self.strata(rows)
        if not reaches(time, event, self.tau):
            return float("nan")
        free = censoring(time, event).at(time)
        weight = np.divide(1.0, free**2, out=np.zeros(len(rows)), where=counted & (free > 0))
        return concordance(time, event, rows[:, RISK], weight)
