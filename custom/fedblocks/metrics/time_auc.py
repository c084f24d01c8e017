"""Area under the ROC curve of a risk at a horizon: had the event by then, against event-free after it.

Uno H, Cai T, Tian L, Wei LJ. Evaluating prediction rules for t-year survivors with censored regression models. J Am
Stat Assoc 102:527 (2007); "cumulative/dynamic" of Heagerty PJ, Zheng Y. Survival model predictive accuracy and ROC
curves. Biometrics 61:92 (2005). scikit-survival is the judge of it in our tests.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import censoring
from fedblocks.metrics.survival_rows import RISK, TIME, SurvivalRows, happened, until


class TimeAUC(SurvivalRows):
    """AUC at a horizon, cases weighted by 1 / G(time) against censoring; 0.5 is chance, higher is better.

    Args:
        edges_years: edges of the intervals.
        years: the horizon.
    """

    def __init__(self, edges_years: Sequence[float], years: float) -> None:
        super().__init__(edges_years, [years])

    def strata(self, rows: Rows) -> NDArray[np.int_]:
        """1 a case, 0 a control, 2 neither: few of them follow from a small set's value, as 5 and 5 of 11 from 0.98."""
        case, control = until(rows, self.years[0])[1], rows[:, TIME] > self.years[0]
        return np.where(case, 1, np.where(control, 0, 2))

    def statistic(self, rows: Rows) -> float:
        """Area; NaN unless some had the event by then and some are known to be free of it after."""
        (horizon,), time, event, risk = self.years, rows[:, TIME], happened(rows), rows[:, RISK]
        case, control = event & (time <= horizon), np.sort(risk[time > horizon])
        if not case.any() or not len(control):
            return float("nan")
        weight = 1 / censoring(time, event).at(time[case])
        below, upto = (np.searchsorted(control, risk[case], side=side) for side in ("left", "right"))
        return float((weight * (below + upto) / 2).sum() / (weight.sum() * len(control)))
