"""Expected calibration error: how far probabilities lie from how often they come true.

Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017, equation 3, with its 15
bins of equal width. Not of equal mass: with the few dozen cases of a hospital, cases share the outer bins where a
decided network puts them, and nothing but chance would be read off the inner ones. On few cases the error of a
perfectly calibrated network is above 0 too.
"""

import numpy as np
import torch
from torch import Tensor

from fedblocks.metrics.class_rows import ClassRows, GroupRows, Rows

BINS = 15


def reliability(rows: Rows) -> Rows:
    """Points of the reliability plot: [bin, (mean probability, share that came true, cases)]; empty bins left out.

    Args:
        rows: [case, (probability, 1 if it came true)].
    """
    bins = np.minimum((rows[:, 0] * BINS).astype(int), BINS - 1)
    return np.array([[*rows[bins == each].mean(axis=0), (bins == each).sum()] for each in np.unique(bins)])


def calibration_error(rows: Rows) -> float:
    """Mean distance over bins, weighted by their cases; NaN without cases. Rows as for `reliability`."""
    if not len(rows):
        return float("nan")
    told, true, cases = reliability(rows).T
    return float(np.average(np.abs(told - true), weights=cases))


class GroupCalibrationError(GroupRows):
    """Of the summed probability of some classes, against whether the truth is one of them."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Expected calibration error."""
        return calibration_error(rows)


class TopCalibrationError(ClassRows):
    """Of the highest probability, against whether that class is the true one (confidence calibration)."""

    def rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Confidence and whether it was right."""
        confidence, predicted = torch.softmax(logits, dim=1).max(dim=1)
        return torch.stack([confidence, (predicted == labels.argmax(dim=1)).float()], dim=1)

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Expected calibration error."""
        return calibration_error(rows)
