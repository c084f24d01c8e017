"""Hazards of follow-up from an image and risk factors of which any may be missing.

Gensheimer MF, Narasimhan B. A scalable discrete-time survival model for neural networks. PeerJ 7:e6257 (2019): either a
logit per interval of its own, or one score on top of a common baseline (proportional odds, which for short intervals is
Cox's proportional hazards).

Score = what the image tells + what the table tells, as in a nomogram: each factor weighs the same whatever the film
shows. A layer that lets both interact learned less from the same few hundred fractures.

Image and factors come as one tensor, so that whatever exports or checks a MONAI bundle can call the network: each
factor is a plane of one value, and a second plane tells whether it is known.
"""

import math

import torch
from torch import Tensor, nn


class HazardNet(nn.Module):
    """Maps [batch, 1 + 2 * factors, H, W] to logits of hazards [batch, out_channels], float32.

    Channels: the image; a plane per factor with its standardised value; a plane per factor, 1 = known, 0 = missing.
    Whatever stands in the place of a missing factor, NaN included, has no influence. The table begins with the same
    hazards for everybody. `table` and `baseline` are few weights that may take larger steps than the backbone.

    Args:
        backbone: maps [batch, 1, H, W] to [batch, out_channels] numbers that describe the image.
        factors: how many.
        out_channels: intervals of follow-up.
        dropout: share of the numbers that describe the image left out while training.
        proportional: one score on top of a baseline, else each interval is free.
        hazard: chance of each interval with which everybody begins; near that of the data, little is left to learn.
    """

    def __init__(
        self,
        backbone: nn.Module,
        factors: int,
        out_channels: int,
        dropout: float = 0.0,
        proportional: bool = True,
        hazard: float = 0.018,
    ) -> None:
        super().__init__()
        self.backbone, self.factors, self.intervals = backbone, factors, out_channels
        outputs = 1 if proportional else out_channels
        last, table = nn.Linear(out_channels, outputs, bias=False), nn.Linear(2 * factors, outputs, bias=False)
        nn.init.zeros_(table.weight)
        self.head, self.table = nn.Sequential(nn.Dropout(dropout), last), table
        self.baseline = nn.Parameter(torch.full((out_channels,), math.log(hazard / (1 - hazard))))

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`."""
        return self.hazards(self.described(image), self.known(image))

    def described(self, image: Tensor) -> Tensor:
        """What the backbone says of the image alone, [batch, out_channels]."""
        numbers: Tensor = self.backbone(image[:, :1])
        return numbers

    def known(self, image: Tensor) -> Tensor:
        """Factors as the planes tell, [batch, 2 * factors]: values, 0 where missing, then which are known."""
        planes = image[:, 1:].float().mean(dim=(2, 3))
        there = planes[:, self.factors :] > 0.5
        values = torch.where(there, planes[:, : self.factors], torch.zeros_like(planes[:, : self.factors]))
        return torch.cat([values, there.to(values.dtype)], dim=1)

    def hazards(self, described: Tensor, known: Tensor) -> Tensor:
        """Logits [batch, out_channels] of what `described` and `known` give."""
        scores: Tensor = self.head(described) + self.table(known.to(described.dtype))
        return (self.baseline + scores).float()
