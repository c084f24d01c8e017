"""Area under the receiver operating characteristic of some classes against the others."""

import numpy as np

from fedblocks.metrics.class_rows import GroupRows, Rows


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


class GroupAUROC(GroupRows):
    """AUROC of the summed probability of some classes."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Area under the curve."""
        return auroc(rows[:, 0], rows[:, 1])
