"""Likelihood of discrete hazards: by hand, and hospitals together as pooled."""

import pytest
import torch

from fedblocks.losses.hazard_nll import HazardNLL
from fedblocks.survival import risk_at

EDGES = [0, 1, 2, 5, 10]


def test_terms_by_hand() -> None:
    """Hazards 0.1 to 0.4: event in 1..2; censored at 3.5 of 2..5; before half of it; event at an edge; after all."""
    hazards = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).double()
    label = torch.tensor([[1.5, 1], [3.5, 0], [3.4, 2], [2.0, 1], [11.0, 1]])
    found = HazardNLL(EDGES).terms(torch.logit(hazards).repeat(5, 1), label)
    chances = [0.9 * 0.2, 0.9 * 0.8 * 0.7, 0.9 * 0.8, 0.9 * 0.2, 0.9 * 0.8 * 0.7 * 0.6]
    torch.testing.assert_close(found, -torch.tensor(chances).double().log(), rtol=1e-6, atol=1e-6)


def test_it_falls_where_hazards_are_the_shares_that_were_seen() -> None:
    torch.manual_seed(0)
    time = torch.distributions.Exponential(0.2).sample((20000,))
    label = torch.stack([time.clamp(max=20.0), (time < 20).float()], dim=1)
    logits = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=50)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = HazardNLL(EDGES)(logits.expand(len(label), 4), label)
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = 1 - torch.exp(-0.2 * torch.tensor([1.0, 1, 3, 5]))
    torch.testing.assert_close(torch.sigmoid(logits.detach()), expected, atol=0.015, rtol=0)
    told = risk_at(logits.detach()[None], EDGES, [1, 2, 5, 10])[0]
    torch.testing.assert_close(told, 1 - torch.exp(-0.2 * torch.tensor([1.0, 2, 5, 10])), atol=0.015, rtol=0)


def test_hospitals_together_are_pooled() -> None:
    torch.manual_seed(1)
    logits = torch.randn(30, 4, dtype=torch.float64)
    label = torch.stack([torch.rand(30) * 12 + 0.01, torch.randint(3, (30,)).float()], dim=1)
    loss, sizes = HazardNLL(EDGES), [5, 8, 17]
    parts = [loss(*pair) * len(pair[0]) for pair in zip(logits.split(sizes), label.split(sizes), strict=True)]
    torch.testing.assert_close(sum(parts) / 30, loss(logits, label), rtol=1e-12, atol=0)


def test_what_is_no_label_is_refused() -> None:
    loss = HazardNLL(EDGES)
    for wrong in ([0.0, 1.0], [-1.0, 0.0], [2.0, 3.0], [float("nan"), 0.0]):
        with pytest.raises(ValueError, match="label must hold years above 0"):
            loss(torch.zeros(1, 4), torch.tensor([wrong]))
    with pytest.raises(ValueError, match="mend out_channels"):
        loss(torch.zeros(1, 3), torch.tensor([[1.0, 1.0]]))
    with pytest.raises(ValueError, match="must begin with 0 and rise"):
        HazardNLL([0, 2, 2])
