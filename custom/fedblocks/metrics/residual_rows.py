"""Metrics of residual maps over a set of cases, voxel by voxel: average precision and Dice at the site's limit.

Average precision of voxels and Dice at a limit are what the field reports: Baur C, Denner S, Wiestler B, Navab N,
Albarqouni S. Autoencoders for unsupervised anomaly segmentation in brain MR images: a comparative study. Medical Image
Analysis 69:101952 (2021). The limit there is the best possible one; here it comes from healthy scans alone.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from fedblocks.metrics.class_rows import Rows
from fedblocks.nets.split_autoencoder import SIGNS
from fedblocks.transforms.brain import inside

STEPS = 32  # bins per doubling of the score
OCTAVES = (-3, 5)  # powers of 2 between which scores are told apart
BINS = STEPS * (OCTAVES[1] - OCTAVES[0]) + 2
LIMIT = 1 - STEPS * OCTAVES[0]  # the first bin whose scores are 1 and more


class ResidualRows(CumulativeIterationMetric):
    """Base of them. Called with scores (1 = the limit, below 0 outside the brain) and masks, lists of [1, *space].

    Keeps one row [healthy voxels per bin, lesion voxels per bin] per case, in `BINS` bins of the score; a row is 0
    where the case has no lesion of the family. Voxels of other families count as neither.

    Args:
        family: value of the lesion mask that counts.
    """

    def __init__(self, family: int) -> None:
        super().__init__()
        self.family = family

    @staticmethod
    @abstractmethod
    def statistic(rows: Rows) -> float:
        """The metric's value over `rows`."""

    @staticmethod
    def strata(rows: Rows) -> Rows:
        """Whether each case has a lesion of the family."""
        return np.asarray(rows.any(axis=1), np.float64)

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None or y.shape != y_pred.shape:
            raise ValueError(
                f"scores and masks must have one grid, got {list(y_pred.shape)} and "
                f"{list(y.shape) if y is not None else None}"
            )
        return torch.stack([self._row(*each) for each in zip(y_pred, y, strict=True)])

    def _row(self, scores: Tensor, mask: Tensor) -> Tensor:
        score, truth = torch.as_tensor(scores).float().cpu(), torch.as_tensor(mask).cpu()
        lesion = truth == self.family
        if not lesion.any():
            return torch.zeros(2 * BINS)
        bins = bin_of(score)
        healthy = (truth == 0) & (score >= 0)
        counts = [torch.bincount(bins[where], minlength=BINS) for where in (healthy, lesion)]
        return torch.cat(counts).float()

    def aggregate(self) -> float:
        """Value over all cases seen since the last reset."""
        kept = self.get_buffer()
        return float("nan") if kept is None else self.statistic(kept.double().cpu().numpy())


def bin_of(score: Tensor) -> Tensor:
    """Number of the bin of each score: 0 for the lowest (also of lesion voxels that lie outside the mask)."""
    low, high = OCTAVES
    octave = torch.log2(score.clamp(min=2.0 ** (low - 1), max=2.0**high))
    return (torch.floor((octave - low) * STEPS).long() + 1).clamp(min=0, max=BINS - 1)


class ResidualAP(ResidualRows):
    """Average precision of voxels of all cases that have the lesion; NaN without any."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Sum over falling bins of gained recall times precision."""
        healthy, lesion = rows[:, :BINS].sum(axis=0)[::-1], rows[:, BINS:].sum(axis=0)[::-1]
        if not lesion.sum():
            return float("nan")
        hits, called = np.cumsum(lesion), np.cumsum(healthy + lesion)
        return float((lesion / lesion.sum() * hits / np.maximum(called, 1)).sum())


class ResidualDice(ResidualRows):
    """Dice of the voxels at the limit and above, the mean over cases that have the lesion; NaN without any."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Mean of 2 * hits / (called + lesion voxels)."""
        rows = rows[rows.any(axis=1)]
        if not len(rows):
            return float("nan")
        healthy, lesion = rows[:, :BINS], rows[:, BINS:]
        hits = lesion[:, LIMIT:].sum(axis=1)
        return float((2 * hits / (hits + healthy[:, LIMIT:].sum(axis=1) + lesion.sum(axis=1))).mean())


class HealthyAbove(CumulativeIterationMetric):
    """Share of brain voxels above the limit, per case without a lesion; NaN with one. Called as `ResidualRows`."""

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None:
            raise ValueError("masks must be given, got none; ingest with --labels")
        return torch.stack(
            [self._share(torch.as_tensor(s), torch.as_tensor(m)) for s, m in zip(y_pred, y, strict=True)]
        )

    @staticmethod
    def _share(scores: Tensor, mask: Tensor) -> Tensor:
        brain = scores[scores >= 0]
        share = float((bin_of(brain) >= LIMIT).float().mean()) if len(brain) and not mask.any() else float("nan")
        return torch.tensor([share])

    def aggregate(self) -> float:
        """Mean over the cases without a lesion; NaN without any."""
        kept = self.get_buffer()
        return float("nan") if kept is None else float(kept.double().nanmean())


class NegativeL1(CumulativeIterationMetric):
    """Minus the mean absolute difference inside the brain, per case: 0 is best. It needs no label of any kind."""

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None:
            raise ValueError("images must be given beside their reconstructions, got none; mend the config")
        image, brain = torch.as_tensor(y).float(), inside(y)
        apart = (torch.as_tensor(y_pred).float() - image).abs() * brain
        return -(apart.flatten(1).sum(dim=1) / brain.flatten(1).sum(dim=1).clamp(min=1))[:, None]

    def aggregate(self) -> float:
        """Mean over the cases; NaN without any."""
        kept = self.get_buffer()
        return float("nan") if kept is None else float(kept.double().mean())


def residual_metrics(families: Mapping[str, int]) -> dict[str, Any]:
    """Handlers for MONAI's evaluators by name: AP and Dice by family and sign, false positives by sign.

    Args:
        families: name of each lesion family -> its value in the mask.
    """
    metrics: dict[str, Any] = {}
    for sign in SIGNS:
        pair = from_engine([sign, "label"])
        metrics[f"val_healthy_above_{sign}"] = IgniteMetricHandler(metric_fn=HealthyAbove(), output_transform=pair)
        for family, value in families.items():
            for told, kind in (("ap", ResidualAP), ("dice", ResidualDice)):
                made = IgniteMetricHandler(metric_fn=kind(value), output_transform=pair)
                metrics[f"val_{told}_{family}_{sign}"] = made
    return metrics
