"""Metrics of a classifier over a set of cases: one row of numbers per case, one value for any subset of rows."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import NDArray
from torch import Tensor

Rows = NDArray[np.float64]  # [case, column]


class ClassRows(CumulativeIterationMetric):
    """Base of them. Called with logits and labels [case, classes]; labels are one-hot.

    The rows are kept, and `statistic` is asked of all or of a bootstrap sample of them; NaN where it is undefined. A
    metric with `strata(rows)`, a number per row, tells which groups it compares: nothing of it need leave where one is
    of very few patients.
    """

    @abstractmethod
    def rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Rows [case, column], float32."""

    @staticmethod
    @abstractmethod
    def statistic(rows: Rows) -> float:
        """The metric's value over `rows`."""

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None or y.shape != y_pred.shape:
            raise ValueError(f"labels must be one-hot like the logits {list(y_pred.shape)}, got {_shape(y)}")
        return self.rows(torch.as_tensor(y_pred).float(), torch.as_tensor(y).float())

    def aggregate(self) -> float:
        """Value over all cases seen since the last reset."""
        kept = self.get_buffer()
        return float("nan") if kept is None else self.statistic(kept.double().cpu().numpy())


class GroupRows(ClassRows):
    """Some classes against the others: rows [their summed probability, 1 if the truth is one of them].

    Args:
        positive: indices of these classes.
    """

    def __init__(self, positive: Sequence[int]) -> None:
        super().__init__()
        self.positive = list(positive)

    def rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Probability and truth."""
        return torch.stack([share_of(logits, self.positive), labels[:, self.positive].sum(dim=1)], dim=1)

    @staticmethod
    def strata(rows: Rows) -> Rows:
        """Truth of each case."""
        return rows[:, 1]


def _shape(labels: Tensor | None) -> list[int] | None:
    return None if labels is None else list(labels.shape)


def share_of(logits: Tensor, classes: list[int]) -> Tensor:
    """Probability [case] that the class is one of `classes`."""
    return torch.softmax(logits, dim=1)[:, classes].sum(dim=1)
