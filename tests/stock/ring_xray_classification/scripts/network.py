"""A small convolutional network for rings in radiographs."""

from itertools import pairwise

import torch
from torch import nn


class RingNet(nn.Module):
    """Three convolutions with batch normalisation, global average pooling, one linear layer."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        widths = [in_channels, 8, 16, 32]
        blocks = [
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairwise(widths)
        ]
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(widths[-1], num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, channel, height, width] to logits [batch, class]."""
        return self.head(self.features(x).mean(dim=(2, 3)))
