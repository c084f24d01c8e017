"""Metrics of detection maps over a set of cases, as the PI-CAI challenge computes them.

Saha A, Bosma JS, Twilt JJ, et al. Artificial intelligence and radiologists in prostate cancer detection on MRI
(PI-CAI): an international, paired, non-inferiority, confirmatory study. Lancet Oncology 25:879 (2024). Their program
`picai_eval` is the judge of these in our tests.
"""

from abc import abstractmethod

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from fedblocks.detection import MOST
from fedblocks.metrics.auroc import auroc
from fedblocks.metrics.class_rows import Rows
from fedblocks.metrics.lesions import compare

LABEL, SCORE, LESIONS, FIRST = 0, 1, 2, 3  # columns; from FIRST on pairs of confidence and hit, NaN where there is none
COLUMNS = FIRST + 2 * MOST


class DetectionRows(CumulativeIterationMetric):
    """Base of them. Called with detection maps and labels [case, 1, x, y, z], or lists of [1, x, y, z].

    Keeps one row [case label, case score, lesions, confidence, hit, ...] per case, and `statistic` is asked of all or
    of a bootstrap sample of them; NaN where it is undefined. The case score is the maximum of the map.
    """

    @staticmethod
    @abstractmethod
    def statistic(rows: Rows) -> float:
        """The metric's value over `rows`."""

    @staticmethod
    def strata(rows: Rows) -> Rows:
        """Whether each patient has cancer."""
        return rows[:, LABEL]

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None or y_pred.ndim != 5 or y_pred.shape[1] != 1 or y.shape != y_pred.shape:
            raise ValueError(
                f"detection maps and labels must have one channel and one grid, got {list(y_pred.shape)} and "
                f"{list(y.shape) if y is not None else None}"
            )
        return torch.stack([_row(found, truth) for found, truth in zip(y_pred[:, 0], y[:, 0], strict=True)])

    def aggregate(self) -> float:
        """Value over all cases seen since the last reset."""
        kept = self.get_buffer()
        return float("nan") if kept is None else self.statistic(kept.double().cpu().numpy())


def _row(found: Tensor, truth: Tensor) -> Tensor:
    detected = np.asarray(found.detach().cpu(), dtype=np.float32)
    compared = compare(detected, np.asarray(truth.detach().cpu()))
    if len(compared.candidates) > MOST:
        raise ValueError(f"detection map must hold at most {MOST} candidates, got {len(compared.candidates)}")
    row = torch.full((COLUMNS,), float("nan"))
    row[:FIRST] = torch.tensor([float(compared.lesions > 0), float(detected.max()), compared.lesions])
    for place, (confidence, hit) in enumerate(compared.candidates):
        row[FIRST + 2 * place : FIRST + 2 * place + 2] = torch.tensor([confidence, float(hit)])
    return row


class PatientAUROC(DetectionRows):
    """Chance that a patient with cancer has a higher score than one without."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """AUROC; NaN unless both kinds of patients are there."""
        return auroc(rows[:, SCORE], rows[:, LABEL])


class LesionAP(DetectionRows):
    """Average precision of the candidates of all patients, where recall is of all lesions."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """Sum over falling thresholds of gained recall times precision; NaN without lesions."""
        lesions = rows[:, LESIONS].sum()
        if not lesions:
            return float("nan")
        confidence, hit = rows[:, FIRST::2].ravel(), rows[:, FIRST + 1 :: 2].ravel()
        there = ~np.isnan(confidence)
        order = np.argsort(-confidence[there], kind="stable")
        confidence, hits = confidence[there][order], np.cumsum(hit[there][order])
        last = np.append(np.diff(confidence) != 0, True)[: len(hits)]  # candidates of one confidence come together
        hits, called = hits[last], np.arange(1, len(last) + 1)[last]
        return float((np.diff(hits, prepend=0) / lesions * hits / called).sum())


class PicaiScore(DetectionRows):
    """Mean of patient AUROC and lesion average precision, by which PI-CAI ranks."""

    @staticmethod
    def statistic(rows: Rows) -> float:
        """The score; NaN where either is."""
        return (PatientAUROC.statistic(rows) + LesionAP.statistic(rows)) / 2
