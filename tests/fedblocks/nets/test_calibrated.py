"""A temperature divides the logits, ranks nothing anew, and mends a network that is too sure of itself."""

import pytest
import torch
from monai.networks.nets import DenseNet121
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- its usual name

from fedblocks.nets.calibrated import CalibratedClassifier
from fedblocks.nets.small_resnet import SmallResNet


def small() -> CalibratedClassifier:
    torch.manual_seed(0)
    return CalibratedClassifier(SmallResNet(1, 6, [8, 16, 32], groups=4)).eval()


def dense() -> CalibratedClassifier:
    torch.manual_seed(0)
    norm, act = ("group", {"num_groups": 32}), ("relu", {"inplace": False})
    return CalibratedClassifier(DenseNet121(2, 1, 6, norm=norm, act=act)).eval()


def test_the_temperature_divides_and_travels() -> None:
    network, image = small(), torch.rand(3, 1, 48, 64)
    with torch.no_grad():
        before = network(image)
        assert before.shape == (3, 6)
        network.load_state_dict(network.state_dict() | {"temperature": torch.tensor([2.5])})
        torch.testing.assert_close(network(image), before / 2.5)
    assert not network.temperature.requires_grad
    assert "temperature" not in dict(network.named_parameters())


def test_it_is_the_backbone_on_the_same_weights() -> None:
    torch.manual_seed(0)
    backbone, image = SmallResNet(1, 6, [8, 16, 32], groups=4).eval(), torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(CalibratedClassifier(backbone)(image), backbone(image))


@pytest.mark.parametrize("make", [small, pytest.param(dense, marks=pytest.mark.slow)])
def test_exports_equal_eager(make: type[CalibratedClassifier]) -> None:
    network, image = make(), torch.rand(2, 1, 128, 128)
    network.temperature.fill_(1.7)
    exported = torch.export.export(network, (image,)).module()
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(network)(image), network(image))
        torch.testing.assert_close(exported(image), network(image))


@pytest.mark.parametrize("make", [small, pytest.param(dense, marks=pytest.mark.slow)])
def test_no_running_statistics_and_nothing_in_place(make: type[CalibratedClassifier]) -> None:
    network = make()
    assert [name for name, _ in network.named_buffers()] == ["temperature"]
    assert not any(getattr(module, "inplace", False) for module in network.modules())


def test_the_best_temperature_mends_an_overconfident_network() -> None:
    """Logits three times too large: the likelihood is best at 3 and as good as it was before."""
    torch.manual_seed(0)
    honest = torch.randn(4000, 6) * 1.5
    truth = torch.distributions.Categorical(logits=honest).sample()
    network = CalibratedClassifier(nn.ModuleDict({"features": nn.Identity(), "class_layers": nn.Identity()}))
    losses = {}
    for temperature in (1.0, 1.4, 2.0, 2.5, 3.0, 4.0):
        network.temperature.fill_(temperature)
        losses[temperature] = float(F.cross_entropy(network(honest * 3), truth))
    assert min(losses, key=losses.__getitem__) == 3.0
    assert losses[3.0] == pytest.approx(float(F.cross_entropy(honest, truth)), abs=1e-5)
    assert losses[1.0] - losses[3.0] > 0.5
