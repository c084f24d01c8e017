"""Decision curve: what treating those above a risk is worth, in true positives per patient.

Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating prediction models. Med Decis Making 26:565
(2006). Vickers AJ, Cronin AM, Elkin EB, Gonen M. Extensions to decision curve analysis, a novel method for evaluating
diagnostic tests, prediction models and molecular markers. BMC Med Inform Decis Mak 8:53 (2008), for censored times.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import reaches, survival
from fedblocks.metrics.survival_rows import RISK, TIME, Flags, SurvivalRows, happened, outcome


class NetBenefit(SurvivalRows):
    """Net benefit at one threshold; 0 is that of treating nobody, and a model is worth its use above that of all.

    Args:
        edges_years: edges of the intervals.
        years: the horizon.
        threshold: risk from which one would treat, between 0 and 1.
    """

    def __init__(self, edges_years: Sequence[float], years: float, threshold: float) -> None:
        super().__init__(edges_years, [years])
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {threshold:g}; mend the config")
        self.threshold = threshold

    def strata(self, rows: Rows) -> NDArray[np.int_]:
        """Outcome at the horizon, of the treated and of the others: without censoring the value is made of counts."""
        return outcome(rows, self.years[0]) + 3 * (rows[:, RISK] >= self.threshold)

    def statistic(self, rows: Rows) -> float:
        """Net benefit; NaN without cases, or where follow-up of those above it ends before and some are free."""
        return net_benefit(rows, self.years[0], self.threshold, rows[:, RISK] >= self.threshold)


def net_benefit(rows: Rows, years: float, threshold: float, treated: Flags) -> float:
    """Net benefit of treating some cases [bool]: true positives - false positives * odds of the threshold, per case.

    Of the treated, the share that has the event by the horizon is 1 - Kaplan-Meier among them.
    """
    if not len(rows):
        return float("nan")
    if not treated.any():
        return 0.0
    chosen = rows[treated]
    if not reaches(chosen[:, TIME], happened(chosen), years):
        return float("nan")
    free = float(survival(chosen[:, TIME], happened(chosen)).at(years))
    return float(treated.mean() * ((1 - free) - free * threshold / (1 - threshold)))


def decision_curve(rows: Rows, years: float, thresholds: Sequence[float]) -> Rows:
    """Points [threshold, (threshold, model, treat all)] of the curve; treating nobody is worth 0 everywhere."""
    everyone = np.ones(len(rows), np.bool_)
    return np.array(
        [
            [t, net_benefit(rows, years, t, rows[:, RISK] >= t), net_benefit(rows, years, t, everyone)]
            for t in thresholds
        ]
    )
