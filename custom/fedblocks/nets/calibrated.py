"""A classifier whose logits are divided by a temperature that travels with its weights.

Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017, section 4.2: one number,
chosen on validation cases after training, mends overconfident probabilities and changes no ranking of the classes.
"""

import torch
from torch import Tensor, nn


class CalibratedClassifier(nn.Module):
    """Maps [batch, channels, *space] to logits [batch, classes], float32, divided by the buffer `temperature`.

    `temperature` has shape [1] and is 1 while training; nothing in training changes it.

    Args:
        backbone: a network in two parts, called one after the other: `features`, from an image to feature maps
            [batch, features, *space], and `class_layers`, from these to logits. MONAI's DenseNet is one.
    """

    temperature: Tensor

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.features = backbone.get_submodule("features")
        self.class_layers = backbone.get_submodule("class_layers")
        self.register_buffer("temperature", torch.ones(1))

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`."""
        return self.logits_of(self.feature_maps(image))

    def feature_maps(self, image: Tensor) -> Tensor:
        """Last feature maps [batch, features, *space] of `image`."""
        maps: Tensor = self.features(image)
        return maps

    def logits_of(self, maps: Tensor) -> Tensor:
        """Logits [batch, classes] of feature maps."""
        logits: Tensor = self.class_layers(maps)
        return logits / self.temperature
