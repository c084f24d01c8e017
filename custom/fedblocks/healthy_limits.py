"""The site's own thresholds: residuals that a stated share of the brain voxels of its healthy scans exceed."""

from collections.abc import Iterable
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import optional_import
from torch import Tensor, nn

from fedblocks.nets.split_autoencoder import SIGNS
from fedblocks.transforms.brain import MOST, inside
from fedblocks.transforms.residual import SignedResidual, limits_of, unwrapped

Events, _ = optional_import("ignite.engine", name="Events")

BINS = 2**16  # of a residual from 0 to MOST; the limit is exact to one of them, 3e-5


class HealthyLimits:
    """Handler that sets `appearance.limits` of a network from healthy scans, [bright, dark, absolute].

    Attached to an evaluator, it sets them before the first case, so that every metric stands at the limits of the
    weights that are measured, and a checkpoint that is saved after them holds their limits. They are of one site's
    scans, and stay there like all weights under `appearance.`. Of the residuals it keeps counts in `BINS` bins, however
    many scans there are; a limit is the upper end of a bin, above which at most the stated share lies.

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
        counts = torch.zeros((len(SIGNS), BINS), dtype=torch.int64)
        with torch.no_grad():
            for batch in self.loader:
                image = batch["image"].to(limits.device)
                reconstruction = self.inferer(image, self.network)
                for one, restored in zip(image, reconstruction, strict=True):
                    for number, residual in enumerate(self.residual(one, restored).values()):
                        counts[number] += _counted(residual[inside(one)]).cpu()
        self.network.train(mode)
        limits.copy_(torch.tensor([self._limit(each) for each in counts]))

    def _limit(self, counts: Tensor) -> float:
        """Upper end of the first bin above which no more than a share of `rate` lies."""
        if not counts.any():
            raise ValueError("healthy validation scans must show a brain, got none; check the skull-stripped images")
        above = counts.sum() - counts.cumsum(0)
        number = int((above <= self.rate * counts.sum()).int().argmax())
        return (number + 1) * MOST / BINS


def _counted(residual: Tensor) -> Tensor:
    """How many values lie in each bin; those below 0 in the first, those above `MOST` in the last."""
    numbers = (residual.float() * (BINS / MOST)).long().clamp(0, BINS - 1)
    return torch.bincount(numbers, minlength=BINS)
