"""Limits come from healthy scans, at the stated share of their voxels."""

import pytest
import torch
from monai.inferers import SliceInferer

from fedblocks.healthy_limits import HealthyLimits
from fedblocks.nets.no_reconstruction import NoReconstruction
from fedblocks.transforms.residual import SignedResidual


def test_one_percent_of_healthy_voxels_lie_above() -> None:
    image = torch.rand((2, 1, 32, 32, 5), generator=torch.Generator().manual_seed(1))
    image[:, :, :4] = 0
    network = NoReconstruction(0.5).train()
    inferer = SliceInferer(roi_size=(32, 32), spatial_dim=2)
    handler = HealthyLimits(network, [{"image": image}], inferer, SignedResidual(0.0), rate=0.01)
    handler(None)
    values = image[image > 0]
    bright, dark, absolute = network.appearance.limits.tolist()
    assert abs(float((values - 0.5 > bright).float().mean()) - 0.01) < 2e-3
    assert abs(float((0.5 - values > dark).float().mean()) - 0.01) < 2e-3
    assert abs(float(((values - 0.5).abs() > absolute).float().mean()) - 0.01) < 2e-3
    assert network.training
    assert float((values - 0.5 > bright).float().mean()) <= 0.01
    exact = float((values - 0.5).sort().values[int(0.99 * len(values))])
    assert abs(bright - exact) <= 2 / 2**16


def test_a_rate_is_a_share() -> None:
    with pytest.raises(ValueError, match="share between 0 and 1"):
        HealthyLimits(NoReconstruction(), [], SliceInferer(roi_size=(8, 8), spatial_dim=2), SignedResidual(1.0), 1.0)
