"""Negative log likelihood at each of several temperatures, by which the best one is chosen."""

from collections.abc import Mapping
from typing import Any

import torch
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import CumulativeIterationMetric
from torch import Tensor


class TemperatureNLL(CumulativeIterationMetric):
    """-log of the probability of the true class, when logits are divided by `temperature`; a mean over cases, in nats.

    The network's own temperature has been applied already: what is measured is a further one. It is 1 while training,
    and after calibration the lowest value should stand near 1.

    Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        if y is None or y.shape != y_pred.shape:
            raise ValueError(f"labels must be one-hot like the logits, got {None if y is None else list(y.shape)}")
        likely = torch.log_softmax(torch.as_tensor(y_pred).float() / self.temperature, dim=1)
        return -(likely * torch.as_tensor(y)).sum(dim=1, keepdim=True)

    def aggregate(self) -> float:
        """Mean over all cases seen since the last reset; NaN without any."""
        kept = self.get_buffer()
        return float("nan") if kept is None else float(kept.double().mean())


def temperature_metrics(temperatures: Mapping[str, float]) -> dict[str, Any]:
    """Handlers for MONAI's evaluators, by name, of the `metrics` of a bundle's `calibration`."""
    cases = from_engine(["pred", "label"])
    return {
        name: IgniteMetricHandler(metric_fn=TemperatureNLL(temperature), output_transform=cases)
        for name, temperature in temperatures.items()
    }
