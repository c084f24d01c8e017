"""The baseline without a model: what is compared with the image is one grey value."""

import torch
from torch import Tensor, nn

from fedblocks.nets.split_autoencoder import SIGNS


class NoReconstruction(nn.Module):
    """Gives `level` everywhere, so the residual is the normalised grey value itself and its threshold one of intensity.

    Any method for anomalies must be better than this one: Meissen F, Kaissis G, Rueckert D. Challenging current
    semi-supervised anomaly segmentation methods for brain MRI. BrainLes 2021.

    Args:
        level: grey value between what counts as bright and as dark.
    """

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(float(level)), requires_grad=False)
        self.appearance = Limits()

    def forward(self, image: Tensor) -> Tensor:
        """`level` in the shape of `image`."""
        return torch.zeros_like(image) + self.level


class Limits(nn.Module):
    """Holds the limits where `SplitAutoencoder` has them."""

    limits: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("limits", torch.zeros(len(SIGNS)))
