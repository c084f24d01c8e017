"""What an autoencoder cannot restore: the signed, smoothed difference of image and reconstruction, inside the brain."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.networks.layers import GaussianFilter
from monai.transforms import Transform
from torch import Tensor, nn

from fedblocks.nets.split_autoencoder import SIGNS
from fedblocks.transforms.brain import inside

OUTSIDE = -1.0  # a score outside the brain; below every one inside


class SignedResidual:
    """Residuals of volumes [1, x, y, z] by sign: bright = image - reconstruction, dark = its negative, absolute.

    The difference is smoothed slice by slice by a Gaussian that counts the brain alone; single voxels of noise are no
    lesions. `bright` and `dark` are negative where the other sign is.

    Args:
        sigma: of the Gaussian, in voxels.
    """

    def __init__(self, sigma: float) -> None:
        self.blur: nn.Module = GaussianFilter(2, sigma) if sigma else nn.Identity()

    def __call__(self, image: Tensor, reconstruction: Tensor) -> dict[str, Tensor]:
        """By sign, [1, x, y, z]; 0 outside the brain."""
        plain, brain = torch.as_tensor(image).float(), inside(image).float()
        apart = (plain - torch.as_tensor(reconstruction).float()) * brain
        apart = self._slices(apart) / self._slices(brain).clamp(min=1e-3) * brain
        return dict(zip(SIGNS, (apart, -apart, apart.abs()), strict=True))

    def _slices(self, volume: Tensor) -> Tensor:
        """Blur each slice [x, y] of [1, x, y, z]."""
        blurred: Tensor = self.blur(volume.permute(3, 0, 1, 2)).permute(1, 2, 3, 0)
        return blurred


class ScoreResiduald(Transform):
    """Put `bright`, `dark` and `absolute` into an item: residuals in units of the site's limits, -1 outside the brain.

    A score above 1 is what the site calls an anomaly at its stated false-positive rate.

    Args:
        network: with `appearance.limits`, which are read anew for each item.
        residual: how it is computed.
        image_key: the image [1, x, y, z] as the network got it.
        pred_key: its reconstruction.
    """

    def __init__(
        self, network: nn.Module, residual: SignedResidual, image_key: str = "image", pred_key: str = "pred"
    ) -> None:
        self.network, self.residual = network, residual
        self.image_key, self.pred_key = image_key, pred_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Score an item."""
        item = dict(data)
        image = item[self.image_key]
        brain, limits = inside(image), limits_of(self.network)
        for (sign, found), limit in zip(self.residual(image, item[self.pred_key]).items(), limits, strict=True):
            scored = found / limit.to(found.device).clamp(min=1e-6)
            item[sign] = torch.where(brain, scored.clamp(min=0), torch.full_like(scored, OUTSIDE))
        return item


def unwrapped(network: nn.Module) -> nn.Module:
    """The network itself where it is wrapped for several processes."""
    return network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network


def limits_of(network: nn.Module) -> Tensor:
    """Limits [bright, dark, absolute] of a network; 0 = not set."""
    limits: Tensor = unwrapped(network).get_buffer("appearance.limits")
    return limits
