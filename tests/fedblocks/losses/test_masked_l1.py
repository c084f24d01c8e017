"""The loss counts the brain alone."""

import torch

from fedblocks.losses.masked_l1 import MaskedL1


def test_only_the_brain_counts() -> None:
    image = torch.tensor([[[[0.0, 0.0], [0.5, 1.0]]]])
    reconstruction = torch.tensor([[[[9.0, -9.0], [0.4, 1.3]]]])
    assert torch.isclose(MaskedL1()(reconstruction, image), torch.tensor(0.2))
    assert MaskedL1()(reconstruction, torch.zeros_like(image)) == 0
