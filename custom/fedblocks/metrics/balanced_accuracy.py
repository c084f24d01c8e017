"""Share of each class that is recognised, every class counting the same."""

import numpy as np
import torch
from torch import Tensor

from fedblocks.metrics.class_rows import ClassRows, Rows


class BalancedAccuracy(ClassRows):
    """Mean over the classes present of the share of their cases predicted right; rows [predicted, true] class.

    Brodersen KH, Ong CS, Stephan KE, Buhmann JM. The balanced accuracy and its posterior distribution. ICPR 2010.
    A guess has 1 / classes; how many classes are present decides, so compare like sets only.
    """

    def rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Indices of the classes."""
        return torch.stack([logits.argmax(dim=1), labels.argmax(dim=1)], dim=1).float()

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Mean recall; NaN without cases."""
        right = rows[:, 0] == rows[:, 1]
        recalls = [float(right[rows[:, 1] == present].mean()) for present in np.unique(rows[:, 1])]
        return float(np.mean(recalls)) if recalls else float("nan")

    @staticmethod
    def strata(rows: Rows) -> Rows:
        """True class of each case."""
        return rows[:, 1]
