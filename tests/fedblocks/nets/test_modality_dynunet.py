"""Presence of a modality reaches the output, the content of an absent one does not."""

import pytest
import torch
from torch import nn

from fedblocks.nets.modality_dynunet import ModalityDynUNet

PET = 3


@pytest.fixture
def net() -> ModalityDynUNet:
    """A network whose gains and biases have learnt something."""
    torch.manual_seed(0)
    kernel = [[3, 3, 1], [3, 3, 3], [3, 3, 3]]
    made = ModalityDynUNet(3, 4, 2, [4, 8, 16], kernel, [[1, 1, 1], [2, 2, 1], [2, 2, 2]]).eval()
    for layer in (made.gain, made.bias):
        nn.init.normal_(layer.weight, std=0.3)
    return made


def study(pet: bool) -> torch.Tensor:
    image = torch.cat([torch.randn(1, 4, 16, 16, 8), torch.ones(1, 4, 16, 16, 8)], dim=1)
    image[:, 4 + PET] = float(pet)
    return image


def test_a_constant_plane_does_not_survive_instance_normalisation() -> None:
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv3d(2, 4, 3), nn.InstanceNorm3d(4, affine=True))
    image = torch.randn(1, 1, 8, 8, 8)
    there = torch.cat([image, torch.ones_like(image)], dim=1)
    absent = torch.cat([image, torch.zeros_like(image)], dim=1)
    assert torch.allclose(first(there), first(absent), atol=1e-5)


def test_what_stands_in_an_absent_image_has_no_influence(net: ModalityDynUNet) -> None:
    image = study(pet=False)
    other = image.clone()
    other[:, PET] = 1000.0
    with torch.no_grad():
        assert torch.equal(net(image), net(other))
        image[:, 4 + PET] = other[:, 4 + PET] = 1.0
        assert not torch.allclose(net(image), net(other))


def test_presence_alone_changes_the_output(net: ModalityDynUNet) -> None:
    there, absent = study(pet=True), study(pet=False)
    there[:, PET] = 0.0
    absent[:, :4] = there[:, :4]
    with torch.no_grad():
        assert (net(there) - net(absent)).abs().max() > 0.01


def test_presence_is_learnt_although_it_begins_without_effect() -> None:
    net = ModalityDynUNet(3, 4, 2, [4, 8, 16], [[3, 3, 3]] * 3, [[1, 1, 1], [2, 2, 2], [2, 2, 2]])
    net(study(pet=True))[:, 1].sum().backward()
    for layer in (net.gain, net.bias):
        assert layer.weight.grad is not None
        assert layer.weight.grad[:, PET].abs().sum() > 0


def test_a_network_that_never_saw_pet_ignores_it_and_one_that_did_does_not() -> None:
    for seen in (False, True):
        torch.manual_seed(0)
        kernel, strides = [[3, 3, 3]] * 3, [[1, 1, 1], [2, 2, 2], [2, 2, 2]]
        net = ModalityDynUNet(3, 4, 2, [4, 8, 16], kernel, strides, optional=[PET])
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(study(seen)), torch.randint(2, (1, 16, 16, 8))).backward()
            optimizer.step()
        image = study(pet=True)
        without = image.clone()
        without[:, [PET, 4 + PET]] = 0
        with torch.no_grad():
            assert torch.equal(net(image), net(without)) != seen


def test_the_padding_of_a_window_does_not_make_a_modality_absent(net: ModalityDynUNet) -> None:
    image = study(pet=True)
    image[:, :, 2:] = 0
    without = image.clone()
    without[:, 4:] = (without[:, 4:] > 0).float().amax(dim=(2, 3, 4), keepdim=True)
    with torch.no_grad():
        assert torch.equal(net(image), net(without))


def test_a_batch_may_hold_both_kinds(net: ModalityDynUNet) -> None:
    both = [study(pet=True), study(pet=False)]
    with torch.no_grad():
        assert torch.allclose(net(torch.cat(both)), torch.cat([net(each) for each in both]), atol=1e-5)
