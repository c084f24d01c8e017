"""Area under the receiver operating characteristic of some classes against the others."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fedblocks.metrics.class_rows import ClassRows, Rows, share_of


def auroc(scores: Rows, truths: Rows) -> float:
    """Chance that a positive case scores higher than a negative one, a tie counting half; NaN without either.

    Computed from mid-ranks, as the Mann-Whitney statistic: Hanley JA, McNeil BJ. The meaning and use of the area under
    a receiver operating characteristic (ROC) curve. Radiology 143:29 (1982).

    Args:
        scores: [case], higher is more positive.
        truths: [case], 1 positive, 0 negative.
    """
    positives = float(truths.sum())
    negatives = len(truths) - positives
    if not positives or not negatives:
        return float("nan")
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    above = ranks[which][truths == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


class GroupAUROC(ClassRows):
    """AUROC of the summed probability of some classes; rows [probability, 1 if the truth is one of them].

    Args:
        positive: indices of these classes.
    """

    def __init__(self, positive: Sequence[int]) -> None:
        super().__init__()
        self.positive = list(positive)

    def rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Score and truth."""
        return torch.stack([share_of(logits, self.positive), labels[:, self.positive].sum(dim=1)], dim=1)

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Area under the curve."""
        return auroc(rows[:, 0], rows[:, 1])

    @staticmethod
    def strata(rows: Rows) -> Rows:
        """Truth of each case."""
        return rows[:, 1]
