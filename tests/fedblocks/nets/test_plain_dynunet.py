"""DynUNet without doubled tensors: the same function as MONAI's, each tensor once."""

from typing import Any

import pytest
import torch
from monai.networks.nets import DynUNet

from fedblocks.nets.plain_dynunet import INSTANCE, LEAKY, PlainDynUNet

FLAT: dict[str, Any] = {
    "spatial_dims": 3,
    "in_channels": 2,
    "out_channels": 3,
    "filters": [4, 8, 16],
    "kernel_size": [[3, 3, 1], [3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [2, 2, 1], [2, 2, 2]],
}
PLANE: dict[str, Any] = FLAT | {
    "spatial_dims": 2,
    "kernel_size": [[3, 3]] * 3,
    "strides": [[1, 1], [2, 2], [2, 2]],
}


@pytest.mark.parametrize(("settings", "space"), [(FLAT, (16, 16, 8)), (PLANE, (16, 16))])
def test_it_is_monais_network_on_the_same_weights(settings: dict[str, Any], space: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    plain = PlainDynUNet(**settings).eval()
    theirs = DynUNet(
        **settings, upsample_kernel_size=settings["strides"][1:], norm_name=INSTANCE, act_name=LEAKY
    ).eval()
    theirs.skip_layers.load_state_dict(plain.levels.state_dict())
    theirs.output_block.load_state_dict(plain.output_block.state_dict())
    image = torch.randn(1, 2, *space)
    with torch.no_grad():
        logits = plain(image)
        assert torch.equal(logits, theirs(image))
    assert tuple(logits.shape) == (1, 3, *space)


def test_every_tensor_is_sent_once() -> None:
    net = PlainDynUNet(**FLAT)
    places = [tensor.data_ptr() for tensor in net.state_dict().values()]
    assert len(places) == len(set(places)) == len(list(net.parameters()))


def test_nothing_is_computed_in_place() -> None:
    assert not any(getattr(module, "inplace", False) for module in PlainDynUNet(**FLAT).modules())


def test_a_size_that_the_strides_do_not_divide_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        PlainDynUNet(**FLAT)(torch.randn(1, 2, 16, 16, 7))
