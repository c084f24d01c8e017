"""Federated averaging: the mean of the sites' weights, weighted by the cases they used.

McMahan B, Moore E, Ramage D, Hampson S, Aguera y Arcas B. Communication-efficient learning of deep
networks from decentralized data. AISTATS 2017. Algorithm 1: w <- sum_k (n_k / n) w_k.
"""

from collections.abc import Mapping

import numpy as np

Weights = Mapping[str, np.ndarray]


def misfit(reference: Weights, candidate: Weights) -> str:
    """Tell why `candidate` cannot be averaged with `reference`; empty when it can.

    Keys and shapes must be equal and every value finite.
    """
    if set(reference) != set(candidate):
        odd = sorted(set(reference) ^ set(candidate))
        return (
            f"weights must have the {len(reference)} declared keys, got {len(odd)} others or missing, first {odd[0]!r}"
        )
    for key, tensor in reference.items():
        if np.shape(candidate[key]) != np.shape(tensor):
            return f"{key} must have shape {np.shape(tensor)}, got {np.shape(candidate[key])}"
        if not np.isfinite(candidate[key]).all():
            return f"{key} must be finite, got NaN or infinity"
    return ""


def average(updates: Mapping[str, tuple[Weights, float]]) -> dict[str, np.ndarray]:
    """Weighted mean of the sites' weights, summed in float64 in the order of site names (same input, same bits).

    Args:
        updates: site name -> (weights, number of cases); not empty, numbers positive.

    Returns:
        Weights with the dtypes of the first site.
    """
    total = sum(cases for _, cases in updates.values())
    if not total > 0:
        raise ValueError(f"total of cases must be positive, got {total}; a site without cases must not be averaged")
    sites = sorted(updates)
    first, _ = updates[sites[0]]
    shares = [(updates[site][0], updates[site][1] / total) for site in sites]
    return {
        key: np.sum([np.asarray(one[key], np.float64) * share for one, share in shares], axis=0).astype(value.dtype)
        for key, value in first.items()
    }


class ServerMomentum:
    """Federated averaging whose server keeps moving as earlier rounds moved: v <- beta v + (mean - w); w <- w + v.

    Hsu T-MH, Qi H, Brown M. Measuring the effects of non-identical data distribution for federated visual
    classification. arXiv 1909.06335 (2019), "FedAvgM". Tensors of whole numbers take the mean.

    Args:
        beta: 0 to below 1; 0 is federated averaging, bit by bit.
    """

    def __init__(self, beta: float) -> None:
        self.beta = beta
        self._velocity: dict[str, np.ndarray] = {}

    def step(self, weights: Weights, mean: Weights) -> Weights:
        """The weights after a round that began with `weights` and whose sites' mean is `mean`."""
        if not self.beta:
            return mean
        return {key: self._moved(key, np.asarray(weights[key]), value) for key, value in mean.items()}

    def _moved(self, key: str, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
        if not np.issubdtype(mean.dtype, np.floating):
            return mean
        moved = mean.astype(np.float64) - weight + self.beta * self._velocity.get(key, 0.0)
        self._velocity[key] = moved
        return np.asarray(weight + moved, dtype=mean.dtype)


def distance(one: Weights, other: Weights) -> float:
    """L2 norm of the difference between two sets of weights with equal keys."""
    return float(np.sqrt(sum(np.sum((np.asarray(one[key], np.float64) - other[key]) ** 2) for key in one)))
