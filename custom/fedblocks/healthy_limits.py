"""The site's own thresholds: residuals that a stated share of the brain voxels of its healthy scans exceed."""

from collections.abc import Iterable
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import optional_import
from torch import Tensor, nn

from fedblocks.nets.split_autoencoder import SIGNS
from fedblocks.transforms.brain import inside
from fedblocks.transforms.residual import SignedResidual, limits_of, unwrapped

Events, _ = optional_import("ignite.engine", name="Events")


class HealthyLimits:
    """Handler that sets `appearance.limits` of a network from healthy scans, [bright, dark, absolute].

    Attached to an evaluator, it sets them before the first case, so that every metric stands at the limits of the
    weights that are measured, and a checkpoint that is saved after them holds their limits. They are of one site's
    scans, and stay there like all weights under `appearance.`.

    Args:
        network: with `appearance.limits`.
        loader: batches of healthy scans under the key `image`, [1, 1, x, y, z], as the network gets them.
        inferer: slices of the volume to the network.
        residual: the one that is judged.
        rate: share of brain voxels of healthy scans above the limit; the stated false-positive rate.
    """

    def __init__(
        self,
        network: nn.Module,
        loader: Iterable[dict[str, Any]],
        inferer: Inferer,
        residual: SignedResidual,
        rate: float,
    ) -> None:
        if not 0 < rate < 1:
            raise ValueError(f"rate must be a share between 0 and 1, got {rate:g}; give another false-positive rate")
        self.network, self.loader, self.inferer = unwrapped(network), loader, inferer
        self.residual, self.rate = residual, rate

    def attach(self, engine: Any) -> None:
        """Be called by an ignite engine."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, _: Any) -> None:
        """Set the limits."""
        limits = limits_of(self.network)
        mode = self.network.training
        self.network.eval()
        found: dict[str, list[Tensor]] = {sign: [] for sign in SIGNS}
        with torch.no_grad():
            for batch in self.loader:
                image = batch["image"].to(limits.device)
                reconstruction = self.inferer(image, self.network)
                for one, restored in zip(image, reconstruction, strict=True):
                    for sign, residual in self.residual(one, restored).items():
                        found[sign].append(residual[inside(one)].cpu())
        self.network.train(mode)
        for number, sign in enumerate(SIGNS):
            limits[number] = self._limit(torch.cat(found[sign]))

    def _limit(self, values: Tensor) -> float:
        """Value that a share of `rate` exceeds; torch.quantile takes no more than 16 million."""
        if not len(values):
            raise ValueError("healthy validation scans must show a brain, got none; check the skull-stripped images")
        above = min(len(values) - 1, int((1 - self.rate) * len(values)))
        return max(float(values.float().sort()[0][above]), 1e-6)
