"""Saliency comes from the network: other weights, another map; what it looks at is where the map is."""

import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor, nn

from fedblocks.nets.calibrated import CalibratedClassifier
from fedblocks.nets.small_resnet import SmallResNet
from fedblocks.transforms.grad_cam import GradCAMd


class Quadrants(nn.Module):
    """Brightness of one corner speaks for class 1, of the opposite one for class 2; class 0 is constant."""

    def __init__(self) -> None:
        super().__init__()
        corners = torch.zeros(2, 1, 32, 32)
        corners[0, :, :16, 16:] = 1
        corners[1, :, 16:, :16] = 1
        self.register_buffer("corners", corners[:, 0])

    def forward(self, image: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(image * self.corners, 4)


def looking_at_corners(bias: list[float]) -> CalibratedClassifier:
    linear = nn.Linear(2, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        linear.bias.copy_(torch.tensor(bias))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    return CalibratedClassifier(nn.ModuleDict({"features": Quadrants(), "class_layers": head})).eval()


def explained(network: CalibratedClassifier, image: Tensor) -> tuple[Tensor, dict[str, object]]:
    with torch.no_grad():  # as inside MONAI's evaluators
        item = GradCAMd("image", network, normal=0, findings=[1, 2])({"image": image})
    return item["saliency"], item["saliency_of"]


def test_the_map_lies_where_the_network_looks() -> None:
    for bias, chosen, where in (
        ([-9.0, 0.0, -1.0], 1, (slice(0, 16), slice(16, 32))),
        ([-9.0, -1.0, 0.0], 2, (slice(16, 32), slice(0, 16))),
        ([9.0, 0.0, -1.0], 1, (slice(0, 16), slice(16, 32))),  # no finding: the likeliest one is explained
    ):
        saliency, told = explained(looking_at_corners(bias), torch.ones(1, 32, 32))
        assert told == {"class": chosen, "empty": False}
        assert saliency.shape == (1, 32, 32)
        assert saliency.max() == 1
        assert saliency[0][where].sum() / saliency.sum() > 0.85


def test_evidence_against_a_class_is_not_shown() -> None:
    network = looking_at_corners([-9.0, 0.0, -9.0])
    with torch.no_grad():
        network.class_layers[2].weight.copy_(torch.tensor([[0.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]))
    saliency, told = explained(network, torch.ones(1, 32, 32))
    assert told == {"class": 1, "empty": True}
    assert not saliency.any()


def test_what_all_logits_share_changes_no_map() -> None:
    """Softmax ignores it. With it, each feature may lower each logit, and nothing would speak for a bare logit."""
    network, image = looking_at_corners([-9.0, 0.0, -1.0]), torch.rand(1, 32, 32)
    before, told = explained(network, image)
    with torch.no_grad():
        network.class_layers[2].weight.sub_(5.0)
    after, _ = explained(network, image)
    assert told == {"class": 1, "empty": False}
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)


def test_class_layers_that_know_places_put_evidence_to_its_place() -> None:
    """The same feature speaks for the class at the top and against it at the bottom; its mean gradient is 0."""
    head = nn.Linear(16, 3)
    with torch.no_grad():
        head.weight.zero_()
        head.weight[1, :8], head.weight[1, 8:] = 1.0, -1.0
        head.bias.copy_(torch.tensor([-9.0, 0.0, -9.0]))
    layers = {"features": nn.AvgPool2d(8), "class_layers": nn.Sequential(nn.Flatten(), head)}
    saliency, told = explained(CalibratedClassifier(nn.ModuleDict(layers)).eval(), torch.ones(1, 32, 32))
    assert told == {"class": 1, "empty": False}
    assert saliency[0, :10].min() == 1
    assert not saliency[0, 20:].any()


def test_no_gradient_gives_an_empty_map_and_says_so() -> None:
    network = looking_at_corners([0.0, 1.0, 0.0])
    with torch.no_grad():
        network.class_layers[2].weight.zero_()
    saliency, told = explained(network, torch.ones(1, 32, 32))
    assert told["empty"] is True
    assert torch.isfinite(saliency).all()
    assert not saliency.any()


def test_other_weights_give_another_map() -> None:
    """Adebayo J, Gilmer J, Muelly M, et al. Sanity checks for saliency maps. NeurIPS 2018."""
    image, maps = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)), []
    for seed in range(4):
        torch.manual_seed(seed)
        network = CalibratedClassifier(SmallResNet(1, 3, [8, 16, 32], groups=4)).eval()
        maps.append(explained(network, image)[0].flatten())
    alike = torch.corrcoef(torch.stack([each.as_tensor() for each in maps])).fill_diagonal_(0)
    assert alike.abs().max() < 0.9
    assert len({tuple(each.tolist()) for each in maps}) == 4


def test_the_network_is_left_as_it_was() -> None:
    network, image = looking_at_corners([0.0, 0.0, 0.0]), torch.rand(1, 32, 32)
    network.temperature.fill_(2.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    one, other = explained(network, image)[0], explained(network, image)[0]
    torch.testing.assert_close(one, other)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    network.temperature.fill_(1.0)
    torch.testing.assert_close(explained(network, image)[0], one)  # a temperature changes no map


def test_geometry_goes_along() -> None:
    image = MetaTensor(torch.rand(1, 32, 32), affine=torch.diag(torch.tensor([-2.0, -2.0, 1.0])))
    saliency, _ = explained(looking_at_corners([0.0, 0.0, 0.0]), image)
    assert isinstance(saliency, MetaTensor)
    torch.testing.assert_close(saliency.affine, image.affine)
    with pytest.raises(RuntimeError), torch.inference_mode():
        explained(looking_at_corners([0.0, 0.0, 0.0]), image)
