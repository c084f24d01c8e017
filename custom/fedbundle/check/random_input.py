"""A random input of the network, always the same, and its outputs."""

from typing import Any

import torch
from monai.bundle.scripts import _get_fake_spatial_shape

from fedbundle.bundle.declared import FULL, PHANTOM
from fedbundle.check.subject import Subject

MULTIPLE = {PHANTOM: 1, FULL: 4}  # n of a pattern such as 16*n; more levels need more voxels
SEED = 20240229


def random_input(bundle: Subject, batch: int = 1) -> torch.Tensor:
    """[batch, channel, *space] float32, normal; free sizes become 32."""
    tensor = bundle.tensor("inputs", "image")
    space = _get_fake_spatial_shape(tensor["spatial_shape"], p=1, n=MULTIPLE[bundle.size], any=32)
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(batch, int(tensor["num_channels"]), *space, generator=generator)


def outputs_of(model: Any, image: torch.Tensor) -> list[torch.Tensor]:
    """What a model gives, as a list."""
    with torch.no_grad():
        output = model(image)
    return [output] if isinstance(output, torch.Tensor) else [torch.as_tensor(value) for value in output]


def difference(expected: list[torch.Tensor], actual: list[torch.Tensor]) -> float:
    """Largest absolute difference; infinite for another number or shape of outputs, NaN where one has NaN."""
    if [value.shape for value in expected] != [value.shape for value in actual]:
        return float("inf")
    return max(float((a.float() - b.float()).abs().max()) for a, b in zip(expected, actual, strict=True))
