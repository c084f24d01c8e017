"""The two branches: names, what the appearance may change, and the plain autoencoder."""

import torch

from fedblocks.nets.no_reconstruction import NoReconstruction
from fedblocks.nets.split_autoencoder import SplitAutoencoder

FILTERS = [8, 16, 32]


def slices(count: int = 2) -> torch.Tensor:
    return torch.rand((count, 1, 32, 40), generator=torch.Generator().manual_seed(3))


def test_every_weight_is_of_one_branch_and_none_is_a_running_statistic() -> None:
    names = SplitAutoencoder(FILTERS, code=6).state_dict()
    assert {name.split(".")[0] for name in names} == {"shape", "appearance"}
    assert not [name for name in names if "running" in name or "num_batches" in name]


def test_it_keeps_the_size_and_begins_as_the_plain_one() -> None:
    torch.manual_seed(0)
    split = SplitAutoencoder(FILTERS, code=6)
    plain = SplitAutoencoder(FILTERS, code=0)
    codes, _ = plain.load_state_dict(split.state_dict(), strict=False)
    assert not codes
    image = slices()
    assert split(image).shape == image.shape
    assert torch.equal(split(image), plain(image))
    assert [name for name in plain.state_dict() if name.startswith("appearance.")] == ["appearance.limits"]
    assert not [name for name in plain.state_dict() if ".code." in name]


def test_both_branches_learn_and_a_slice_does_not_hang_on_its_neighbours() -> None:
    torch.manual_seed(0)
    network = SplitAutoencoder(FILTERS, code=6)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    image = slices()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(2):  # gains and biases begin at 0: what is before them learns from the second step
        optimizer.zero_grad()
        (network(image) - image).abs().mean().backward()
        optimizer.step()
    still = [name for name, value in network.state_dict().items() if torch.equal(value, before[name])]
    assert still == ["appearance.limits"]
    assert torch.allclose(network(image)[:1], network(image[:1]), atol=1e-5)


def test_the_baseline_gives_one_value() -> None:
    assert torch.equal(NoReconstruction(0.5)(slices()), torch.full((2, 1, 32, 40), 0.5))
