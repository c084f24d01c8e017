"""An autoencoder in two branches: where things are (`shape.`, shared) and how bright they are (`appearance.`, local).

The idea of two branches, one shared by the sites and one kept, is that of Bercea CI, Wiestler B, Rueckert D, Albarqouni
S. Federated disentangled representation learning for unsupervised brain anomaly detection. Nature Machine Intelligence
4:685 (2022). This is a design of its own, from standard parts: a convolutional autoencoder whose decoder is modulated
by gains and biases (FiLM: Perez E, Strub F, de Vries H, Dumoulin V, Courville A. FiLM: visual reasoning with a general
conditioning layer. AAAI 2018). Nothing makes the branches independent of each other, and no such claim is made.

The decoder also sees what the encoder saw at each size, the slice itself included, as in Kascenas A, Pugeault N, O'Neil
AQ. Denoising autoencoders for unsupervised anomaly detection in brain MRI. MIDL 2022. So edges come back sharp. What
keeps it from copying a lesion is the noise that it learns to take back; without that training it is of no use.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SLOPE = 0.1  # of LeakyReLU below 0
SIGNS = ("bright", "dark", "absolute")


class SplitAutoencoder(nn.Module):
    """Reconstructs slices [batch, 1, H, W], H and W divisible by 2 ** len(filters); the same shape comes out.

    Parameters under `shape.` are the encoder, the decoder, and `shape.code`: a small encoder of the same slice to
    `code` numbers, and the gains and biases that it gives to each level of the decoder. Those under `appearance.` are a
    second one of its kind, `appearance.code`, whose gains and biases are added, and `appearance.limits`, see
    `HealthyLimits`. So what all sites have in common is learned by all, and what a scanner does otherwise by its site.

    Args:
        filters: channels of each level, finest first; each level halves H and W.
        code: numbers of each branch; 0 makes a plain autoencoder, which keeps its limits alone.
        groups: of the group normalisation; divides each of `filters`. There are no running statistics.
    """

    def __init__(self, filters: Sequence[int], code: int, groups: int = 4) -> None:
        super().__init__()
        self.shape = Shape(filters, code, groups)
        self.appearance = Appearance(filters, code)

    def forward(self, image: Tensor) -> Tensor:
        """The reconstruction of `image`."""
        reconstruction: Tensor = self.shape(image, self.appearance(image))
        return reconstruction


class Shape(nn.Module):
    """Encoder, code, and the decoder that takes gains and biases; see `SplitAutoencoder`."""

    def __init__(self, filters: Sequence[int], code: int, groups: int) -> None:
        super().__init__()
        seen = [1, *filters[:-1]]  # channels of the encoder before each level
        self.encoder = nn.ModuleList(
            Down(inputs, outputs, groups) for inputs, outputs in zip(seen, filters, strict=True)
        )
        steps = zip([filters[-1], *reversed(filters[1:])], reversed(seen), reversed(filters), strict=True)
        self.decoder = nn.ModuleList(Up(*channels, groups) for channels in steps)
        self.last = nn.Conv2d(filters[0], 1, 3, padding=1)
        self.code = Code(filters, code)

    def forward(self, image: Tensor, added: list[Tensor]) -> Tensor:
        """Reconstruct `image`; `added` has one [batch, 2, channels] per level, coarsest first, or is empty."""
        told: list[Tensor] = []
        for own, other in zip(self.code(image), added):  # noqa: B905 - TorchScript knows no strict
            told.append(own + other)
        seen = [image]
        for down in self.encoder:
            seen.append(down(seen[-1]))
        features = seen[-1]
        for number, up in enumerate(self.decoder):
            features = up(features, seen[-2 - number], told[number] if len(told) else None)
        reconstruction: Tensor = self.last(features)
        return reconstruction


class Appearance(nn.Module):
    """What stays at a site: a code of its own, and limits; see `SplitAutoencoder`."""

    limits: Tensor

    def __init__(self, filters: Sequence[int], code: int) -> None:
        super().__init__()
        self.register_buffer("limits", torch.zeros(len(SIGNS)))
        self.code = Code(filters, code)

    def forward(self, image: Tensor) -> list[Tensor]:
        """As `Code`."""
        told: list[Tensor] = self.code(image)
        return told


class Code(nn.Module):
    """A few numbers of a slice, made to gains and biases of each decoder level; see `SplitAutoencoder`."""

    def __init__(self, filters: Sequence[int], code: int) -> None:
        super().__init__()
        self.encoder, self.films = nn.Sequential(), nn.ModuleList()
        if code:
            steps = zip([1, *filters[:-1]], filters, strict=True)
            downs = [nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE)) for a, b in steps]
            self.encoder = nn.Sequential(*downs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(filters[-1], code))
            self.films = nn.ModuleList(_silent(code, 2 * channels) for channels in reversed(filters))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Gains less 1 and biases [batch, 2, channels] of each decoder level, coarsest first; none when plain."""
        told: list[Tensor] = []
        if len(self.films):
            code = self.encoder(image)
            for film in self.films:  # TorchScript knows no comprehension over modules
                told.append(film(code).unflatten(1, (2, -1)))  # noqa: PERF401
        return told


def _silent(inputs: int, outputs: int) -> nn.Linear:
    """A layer that gives 0 until it has learned, so the network begins as the plain autoencoder."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Down(nn.Module):
    """Halves H and W."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(groups, outputs),
            nn.LeakyReLU(SLOPE),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Features at half the size."""
        features: Tensor = self.layers(image)
        return features


class Up(nn.Module):
    """Doubles H and W, joins what the encoder saw at this size, then normalises and modulates."""

    def __init__(self, inputs: int, beside: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.enlarge = nn.Sequential(  # fewer channels first: the same result as after it, for less work
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        )
        self.convolution = nn.Conv2d(outputs + beside, outputs, 3, padding=1, bias=False)
        self.normalisation = nn.GroupNorm(groups, outputs)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, features: Tensor, seen: Tensor, told: Tensor | None) -> Tensor:
        """Features at twice the size; `seen` has that size, `told` [batch, 2, channels] are gains less 1 and biases."""
        features = self.normalisation(self.convolution(torch.cat([self.enlarge(features), seen], dim=1)))
        if told is not None:
            features = features * (1 + told[:, 0, :, None, None]) + told[:, 1, :, None, None]
        activated: Tensor = self.activation(features)
        return activated
