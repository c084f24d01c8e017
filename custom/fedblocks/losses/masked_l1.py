"""Mean absolute difference inside the brain."""

import torch
from torch import Tensor, nn

from fedblocks.transforms.brain import inside


class MaskedL1(nn.Module):
    """Mean of |reconstruction - image| over all voxels of a batch in which the image is above 0.

    A skull-stripped image is 0 outside the brain; without the mask, most of the loss would be of air.
    """

    def forward(self, reconstruction: Tensor, image: Tensor) -> Tensor:
        """Loss of [batch, 1, *space]; 0 where a batch holds no brain."""
        brain = inside(image).to(reconstruction.dtype)
        apart = torch.abs(reconstruction - torch.as_tensor(image)) * brain
        return apart.sum() / brain.sum().clamp(min=1)
