"""How many had an event by a horizon: the fracture, or death before it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.kaplan_meier import incidence, reaches
from fedblocks.metrics.survival_rows import EVENT, TIME, SurvivalRows, outcome


class EventShare(SurvivalRows):
    """Share with one event by a horizon, where others compete (Aalen-Johansen); tells of the patients, not the model.

    Args:
        edges_years: edges of the intervals.
        years: the horizon.
        event: which is counted, 1 the event, 2 the competing one.
    """

    def __init__(self, edges_years: Sequence[float], years: float, event: int) -> None:
        super().__init__(edges_years, [years])
        self.event = event

    def statistic(self, rows: Rows) -> float:
        """Cumulative incidence; NaN without cases, or where follow-up ends before the horizon and some are free."""
        if not reaches(rows[:, TIME], rows[:, EVENT], self.years[0]):
            return float("nan")
        return float(incidence(rows[:, TIME], rows[:, EVENT], self.event).at(self.years[0]))

    def strata(self, rows: Rows) -> NDArray[np.int_]:
        """Had the event by the horizon, followed to it without any, or neither: without censoring a share of `n`."""
        return outcome(rows, self.years[0], self.event)
