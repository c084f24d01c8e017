"""Signed residuals, and scores in units of the limits."""

import torch

from fedblocks.nets.split_autoencoder import SplitAutoencoder
from fedblocks.transforms.residual import OUTSIDE, ScoreResiduald, SignedResidual


def brain() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.zeros((1, 16, 16, 3))
    image[:, 4:12, 4:12] = 0.5
    return image, torch.where(image > 0, 0.5, 7.0)


def test_signs_and_the_edge_of_the_brain() -> None:
    image, restored = brain()
    image[:, 8, 8, 1] = 1.0
    found = SignedResidual(0.0)(image, restored)
    assert float(found["bright"][0, 8, 8, 1]) == 0.5
    assert torch.equal(found["dark"], -found["bright"])
    assert int((found["absolute"] > 0).sum()) == 1  # what is outside the brain counts for nothing
    even = SignedResidual(1.0)(image * 0 + 0.5 * (image > 0), restored - 0.1)["bright"]
    assert torch.allclose(even[image > 0], torch.tensor(0.1), atol=1e-5)  # smoothing knows the edge


def test_scores_are_in_units_of_the_limits() -> None:
    image, restored = brain()
    image[:, 8, 8, 1], image[:, 6, 6, 1] = 0.9, 0.3
    network = SplitAutoencoder([4, 8], code=2)
    network.appearance.limits.copy_(torch.tensor([0.2, 0.1, 0.4]))
    item = ScoreResiduald(network, SignedResidual(0.0))({"image": image, "pred": restored})
    assert torch.isclose(item["bright"][0, 8, 8, 1], torch.tensor(2.0))
    assert torch.isclose(item["dark"][0, 6, 6, 1], torch.tensor(2.0))
    assert torch.isclose(item["absolute"][0, 8, 8, 1], torch.tensor(1.0))
    assert item["bright"][0, 6, 6, 1] == 0
    assert set(item["bright"][image <= 0].tolist()) == {OUTSIDE}
