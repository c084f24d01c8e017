"""Metrics of predicted risks over a set of cases, with right censoring: one row per case."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import NDArray
from torch import Tensor

from fedblocks.metrics.class_rows import Rows
from fedblocks.survival import CENSORED, EVENT, HAPPENED, TIME, checked_edges, risk_at

Flags = NDArray[np.bool_]  # [case]
RISK = 2  # first column of the risks, after TIME and EVENT


class SurvivalRows(CumulativeIterationMetric):
    """Base of them. Called with logits of hazards [case, K] and labels [case, (years, event)], see fedblocks.survival.

    Keeps rows [years, event, risk at each of some times], and `statistic` is asked of all or of a bootstrap sample of
    them; NaN where it is undefined. The censoring distribution is estimated anew from the rows it is asked of. Death
    counts as censoring.

    Args:
        edges_years: edges of the intervals.
        years: times whose risks are kept.
    """

    def __init__(self, edges_years: Sequence[float], years: Sequence[float]) -> None:
        super().__init__()
        self.edges, self.years = checked_edges(edges_years), [float(year) for year in years]

    @abstractmethod
    def statistic(self, rows: Rows) -> float:
        """The metric's value over `rows`."""

    @abstractmethod
    def strata(self, rows: Rows) -> NDArray[Any]:
        """Of each case, which of the groups it belongs to that the value compares, or that would follow from it."""

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None or y.ndim != 2 or y.shape != (len(y_pred), 2):
            got = None if y is None else list(y.shape)
            raise ValueError(f"labels must be [{len(y_pred)}, 2], years and event, got {got}; mend the datalist")
        risks = risk_at(torch.as_tensor(y_pred), self.edges, self.years)
        return torch.cat([torch.as_tensor(y).to(risks), risks], dim=1)

    def aggregate(self) -> float:
        """Value over all cases seen since the last reset."""
        kept = self.get_buffer()
        return float("nan") if kept is None else self.statistic(kept.double().cpu().numpy())


def happened(rows: Rows) -> Flags:
    """Whether follow-up of each case ended with the event."""
    return np.asarray(rows[:, EVENT] == HAPPENED)


def until(rows: Rows, years: float) -> tuple[Rows, Flags]:
    """Time and event [case] as they were known at a horizon."""
    return rows[:, TIME].clip(max=years), happened(rows) & (rows[:, TIME] <= years)


def outcome(rows: Rows, years: float, event: int = HAPPENED) -> NDArray[np.int_]:
    """Of each case: 1, it had an event by a horizon; 0, it was followed to it without any; 2, all others.

    The others left before, or another event came first. Where a value is made of counts alone, as an estimate of
    Kaplan and Meier is, their number can follow from it like those of the first two.
    """
    early = (rows[:, EVENT] != CENSORED) & (rows[:, TIME] <= years)
    had = early & (rows[:, EVENT] == event)
    return np.where(had, 1, np.where(early | (rows[:, TIME] < years), 2, 0))
