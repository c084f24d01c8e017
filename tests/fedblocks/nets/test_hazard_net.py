"""Hazards of image and risk factors: what is missing has no voice."""

import pytest
import torch

from fedblocks.nets.hazard_net import HazardNet
from fedblocks.nets.small_resnet import SmallResNet

FACTORS, INTERVALS = 3, 5


def made(proportional: bool = True, dropout: float = 0.0) -> HazardNet:
    torch.manual_seed(0)
    network = HazardNet(SmallResNet(1, INTERVALS, [8, 16], 4), FACTORS, INTERVALS, dropout, proportional)
    for layer in (network.head[-1], network.table):
        torch.nn.init.normal_(layer.weight)
    return network.eval()


def seen(values: list[float], known: list[float]) -> torch.Tensor:
    planes = torch.tensor(values + known)[:, None, None].expand(-1, 32, 32)
    return torch.cat([torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(1)), planes])[None]


@pytest.mark.parametrize("stands_there", [0.0, 3.0, -1e9, float("nan"), float("inf")])
def test_what_stands_in_the_place_of_a_missing_factor_has_no_influence(stands_there: float) -> None:
    network = made()
    expected = network(seen([1.0, 0.0, -1.0], [1.0, 0.0, 1.0]))
    assert torch.equal(network(seen([1.0, stands_there, -1.0], [1.0, 0.0, 1.0])), expected)
    assert not torch.equal(network(seen([1.0, 0.0, -1.0], [1.0, 1.0, 1.0])), expected)  # known to be the mean
    assert not torch.equal(network(seen([2.0, 0.0, -1.0], [1.0, 0.0, 1.0])), expected)


def test_proportional_scores_move_all_intervals_alike() -> None:
    one, other = seen([1.0, 0.0, -1.0], [1.0, 1.0, 1.0]), seen([-2.0, 0.5, 1.0], [1.0, 1.0, 0.0])
    moved = made()(one) - made()(other)
    torch.testing.assert_close(moved, moved[:, :1].expand(-1, INTERVALS))
    assert (made(proportional=False)(one) - made(proportional=False)(other)).std() > 0.01


def test_the_table_begins_without_a_voice_and_all_learns_from_the_first_step() -> None:
    network = HazardNet(SmallResNet(1, INTERVALS, [8, 16], 4), FACTORS, INTERVALS)
    one, other = seen([1.0, 0.0, -1.0], [1.0, 1.0, 1.0]), seen([-2.0, 0.5, 1.0], [1.0, 1.0, 0.0])
    assert torch.equal(network(one), network(other))
    (network(torch.cat([one, other])) * torch.arange(2.0)[:, None]).sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


def test_no_batch_statistics() -> None:
    assert not [name for name in made().state_dict() if "running" in name or "batches" in name]
