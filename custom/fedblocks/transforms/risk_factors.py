"""Risk factors of a patient: values of a table, any of them missing, as one vector and as planes of an image."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import RandomizableTransform, Transform

Item = dict[Hashable, Any]


class RiskFactorsd(Transform):
    """Gather columns of an item into one vector [2 * factors], float32: standardised values, then 1 known, 0 missing.

    A missing column, or None, has 0 in both places. Values are (value - mean) / sd with constants of the config, the
    same at all hospitals, so nothing is learned of a hospital's patients and nothing differs between hospitals.

    Args:
        factors: column -> `mean`, `sd`, and `min` and `max`, outside of which a value is refused.
        output_key: of the vector.
    """

    def __init__(self, factors: Mapping[str, Mapping[str, float]], output_key: str = "factors") -> None:
        for name, each in factors.items():
            if set(each) != {"mean", "sd", "min", "max"} or not each["sd"] > 0 or not each["min"] < each["max"]:
                raise ValueError(
                    f"factor {name} must tell mean, sd above 0, and min below max, got {dict(each)}; mend the config"
                )
        self.factors, self.output_key = dict(factors), output_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Add the vector.

        Raises:
            ValueError: a value is no number of its range; the message never tells it.
        """
        item = dict(data)
        values = [self._standardised(name, item.get(name)) for name in self.factors]
        known = [0.0 if value is None else 1.0 for value in values]
        item[self.output_key] = torch.tensor([value or 0.0 for value in values] + known, dtype=torch.float32)
        return item

    def _standardised(self, name: str, value: Any) -> float | None:
        if value is None:
            return None
        told = self.factors[name]
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not told["min"] <= value <= told["max"]:
            raise ValueError(
                f"{name} must be a number from {told['min']:g} to {told['max']:g} or missing, got another; "
                "mend the datalist"
            )
        return (float(value) - told["mean"]) / told["sd"]


class RandFactorDropoutd(RandomizableTransform):
    """Make risk factors missing at random, each with the same probability.

    Args:
        prob: of each.
        key: of the vector that RiskFactorsd makes.
    """

    def __init__(self, prob: float, key: str = "factors") -> None:
        RandomizableTransform.__init__(self, prob=1.0)
        self.chance, self.key = prob, key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Drop factors of an item."""
        item = dict(data)
        vector = item[self.key].clone()
        dropped = np.flatnonzero(self.R.random(len(vector) // 2) < self.chance)
        vector[dropped] = vector[len(vector) // 2 + dropped] = 0
        item[self.key] = vector
        return item


class FactorPlanesd(Transform):
    """Append the vector of factors to an image [1, *space] as planes: [1 + 2 * factors, *space], see HazardNet.

    Args:
        image_key: of the image.
        factors_key: of the vector, which leaves the item.
    """

    def __init__(self, image_key: str = "image", factors_key: str = "factors") -> None:
        self.image_key, self.factors_key = image_key, factors_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Join image and factors of an item."""
        item = dict(data)
        image, vector = item[self.image_key], item.pop(self.factors_key)
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        planes = vector.to(plain)[(..., *[None] * (plain.ndim - 1))].expand(-1, *plain.shape[1:])
        item[self.image_key] = torch.cat([plain, planes])
        return item


class SurvivalLabeld(Transform):
    """Follow-up of an item as a label [2], float32: years, and 0 censored, 1 event, 2 competing event.

    Args:
        keys: columns of the years and of the event.
        output_key: of the label.
    """

    def __init__(self, keys: Sequence[str], output_key: str = "label") -> None:
        self.time_key, self.event_key = keys
        self.output_key = output_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Add the label.

        Raises:
            ValueError: a time that is not above 0, or another event; the message never tells them.
        """
        item = dict(data)
        time, event = item[self.time_key], item[self.event_key]
        if not isinstance(time, int | float) or not 0 < time < math.inf:
            raise ValueError(f"{self.time_key} must be a number of years above 0, got another; mend the datalist")
        if event not in (0, 1, 2):
            raise ValueError(f"{self.event_key} must be 0, 1 or 2, got another; mend the datalist")
        item[self.output_key] = torch.tensor([time, event], dtype=torch.float32)
        return item
