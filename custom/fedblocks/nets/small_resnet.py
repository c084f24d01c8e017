"""A small residual network for radiographs with group normalisation, in the two parts that CalibratedClassifier takes.

He K, Zhang X, Ren S, Sun J. Deep residual learning for image recognition. CVPR 2016; Wu Y, He K. Group normalization.
ECCV 2018. Normalisation follows the convolution (not pre-activation) and keeps no running statistics, so that no
statistics of a hospital's images travel with the weights.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions around a short cut; [batch, inputs, H, W] to [batch, outputs, H/stride, W/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int, slope: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.GroupNorm(groups, outputs),
            _activation(slope),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(groups, outputs),
        )
        same = stride == 1 and inputs == outputs
        self.short_cut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.activation = _activation(slope)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps of feature maps."""
        activated: Tensor = self.activation(self.layers(maps) + self.short_cut(maps))
        return activated


class SmallResNet(nn.Module):
    """Maps [batch, in_channels, H, W] to logits [batch, out_channels]; H and W at least 2 ** (levels + 1).

    Args:
        in_channels: channels of the image.
        out_channels: classes.
        filters: channels of each level; the stem and each level but the first halve H and W.
        groups: of the normalisation; divides each of `filters`.
        dropout: share of pooled features left out while training.
        pooled: the last maps are averaged to pooled x pooled values; above 1 the place in the image is kept, which
            helps where crops always show the same part of the body at the same place.
        slope: of the activations below 0; above 0 a network that a weak and noisy loss has silenced can come back.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: Sequence[int],
        groups: int = 8,
        dropout: float = 0.0,
        pooled: int = 1,
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        first = filters[0]
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            stem=nn.Conv2d(in_channels, first, 5, stride=2, padding=2, bias=False),
            norm=nn.GroupNorm(groups, first),
            activation=_activation(slope),
        )
        for level, (inputs, outputs) in enumerate(zip([first, *filters[:-1]], filters, strict=True)):
            layers[f"level{level + 1}"] = Residual(inputs, outputs, 1 if level == 0 else 2, groups, slope)
        self.features = nn.Sequential(layers)
        self.class_layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(pooled),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(filters[-1] * pooled**2, out_channels),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`."""
        logits: Tensor = self.class_layers(self.features(image))
        return logits


def _activation(slope: float) -> nn.Module:
    return nn.LeakyReLU(slope) if slope else nn.ReLU()
