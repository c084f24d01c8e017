"""Discrete-time survival: hazards of intervals that all hospitals share, and what follows from them.

Gensheimer MF, Narasimhan B. A scalable discrete-time survival model for neural networks. PeerJ 7:e6257 (2019). Andreux
M, Manoel A, Menuet R, Saillard C, Simpson C. Federated survival analysis with discrete-time Cox models. arXiv
2006.08997 (2020): unlike the Cox partial likelihood the sum separates over hospitals.

Edges 0 = e_0 < e_1 < ... < e_K in years cut follow-up into intervals (e_(k-1), e_k]. A network gives a logit for each,
and h_k = sigmoid(logit_k) is the chance of the event in interval k of one who entered it. Then S(e_k) = prod (1 - h_j),
and the cumulative hazard -log S(e_k) = sum softplus(logit_j), j = 1..k. Death before the event ends follow-up like
censoring (a cause-specific hazard): the risk is that of one who does not die before, and where many die it is above the
share that will be seen.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import softplus

TIME, EVENT = 0, 1  # columns of a label [case, 2]: years of follow-up; CENSORED, HAPPENED or COMPETING
CENSORED, HAPPENED, COMPETING = 0, 1, 2


def checked_edges(edges_years: Sequence[float]) -> list[float]:
    """Edges as numbers.

    Raises:
        ValueError: fewer than two, not rising, or the first is not 0.
    """
    edges = [float(edge) for edge in edges_years]
    if len(edges) < 2 or edges[0] != 0 or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges_years must begin with 0 and rise, got {edges}; mend the config")
    return edges


def cumulative_hazard(logits: Tensor) -> Tensor:
    """-log S at each edge, [batch, K + 1], 0 at the first; of logits [batch, K]."""
    return torch.nn.functional.pad(softplus(logits).cumsum(dim=1), (1, 0))


def risk_at(logits: Tensor, edges_years: Sequence[float], years: Sequence[float]) -> Tensor:
    """Chance of the event up to each of some times, [batch, times]; within an interval the hazard rate is constant.

    Args:
        logits: [batch, K].
        edges_years: the K + 1 edges.
        years: times from 0 to the last edge.

    Raises:
        ValueError: a time lies outside, or edges and logits do not fit.
    """
    edges = checked_edges(edges_years)
    if logits.ndim != 2 or logits.shape[1] != len(edges) - 1:
        raise ValueError(f"logits must be [batch, {len(edges) - 1}], got {list(logits.shape)}; mend out_channels")
    if wrong := [year for year in years if not 0 <= year <= edges[-1]]:
        raise ValueError(f"years must lie within 0 to {edges[-1]:g}, got {wrong[0]:g}; mend the config")
    hazard = cumulative_hazard(logits.float())
    found = []
    for year in years:
        place = max(1, next(k for k, edge in enumerate(edges) if edge >= year))
        share = (year - edges[place - 1]) / (edges[place] - edges[place - 1])
        found.append(hazard[:, place - 1] * (1 - share) + hazard[:, place] * share)
    return -torch.expm1(-torch.stack(found, dim=1))
