"""Negative log-likelihood of discrete-time hazards with right censoring.

Gensheimer MF, Narasimhan B. A scalable discrete-time survival model for neural networks. PeerJ 7:e6257 (2019). Andreux
M, Manoel A, Menuet R, Saillard C, Simpson C. Federated survival analysis with discrete-time Cox models. arXiv
2006.08997 (2020).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from fedblocks.survival import EVENT, HAPPENED, TIME, checked_edges


class HazardNLL(nn.Module):
    """Mean over patients of -log likelihood, in nats; lower is better.

    Who has the event in interval k adds log h_k and log(1 - h_j) for all j < k; who is censored, or dies, adds log(1 -
    h_j) for each interval of which at least half was seen (Gensheimer and Narasimhan's rule: all or none would bias
    the hazards). An event after the last edge is none. Each patient's term hangs on that patient alone, so the mean
    of all hospitals is the mean of their means, weighted by patients: one full-batch step of federated averaging is
    one of pooled training. Assumes censoring independent of the event, given what the network sees.

    Args:
        edges_years: edges of the intervals, from 0, the same at all hospitals.
    """

    edges: Tensor

    def __init__(self, edges_years: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("edges", torch.tensor(checked_edges(edges_years), dtype=torch.float64))

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Mean over patients.

        Args:
            logits: [batch, K], one per interval.
            label: [batch, 2], years of follow-up above 0, and 0 censored, 1 event, 2 competing event.

        Raises:
            ValueError: another number of intervals, or a label that is none.
        """
        return self.terms(logits, label).mean()

    def terms(self, logits: Tensor, label: Tensor) -> Tensor:
        """Term of each patient, [batch]."""
        survived, happened = self.intervals(label)
        if logits.shape != survived.shape:
            raise ValueError(f"logits must be {list(survived.shape)}, got {list(logits.shape)}; mend out_channels")
        return -(logsigmoid(-logits) * survived + logsigmoid(logits) * happened).sum(dim=1)

    def intervals(self, label: Tensor) -> tuple[Tensor, Tensor]:
        """Which intervals each patient has survived, and in which the event came; bool [batch, K]."""
        time, event = label[:, TIME].double(), label[:, EVENT]
        if not bool(((time > 0) & time.isfinite()).all()) or not bool(((event >= 0) & (event <= 2)).all()):
            raise ValueError("label must hold years above 0 and an event of 0, 1 or 2, got others; mend the datalist")
        edges = self.edges.to(time.device)
        start, end, years = edges[:-1], edges[1:], time[:, None]
        had = (event == HAPPENED)[:, None]
        happened = had & (start < years) & (years <= end)
        survived = torch.where(had, end < years, (start + end) / 2 <= years)
        return survived, happened
