"""A DynUNet for studies that may lack a modality: one network for hospitals with and without PET.

The union of modalities as channels with random drop-out is that of FedUniBrain (Wagner F, Xu W, Saha P, et al.
Feasibility of federated learning from client databases with different brain diseases and MRI modalities, arXiv
2406.11636); gains and biases by a vector are FiLM (Perez E, Strub F, de Vries H, Dumoulin V, Courville A. FiLM: visual
reasoning with a general conditioning layer. AAAI 2018).

Why presence is no channel of the image: a plane that is constant adds a constant to the features of the first
convolution, and the instance normalisation after it takes constants away. So presence is used where it survives: it
silences the content of what is absent, and it sets gain and bias of the last features, which nothing normalises.

What was never there in training must not speak later: the weights of an optional modality in the first convolution
begin at zero, as do gains and biases. Without the modality they have no gradient, so a network of hospitals without PET
gives the same map with and without one, where random weights would put noise into it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fedblocks.nets.plain_dynunet import PlainDynUNet


class ModalityDynUNet(nn.Module):
    """PlainDynUNet over several modalities, told which of them are there.

    Maps [batch, 2 * modalities, *space] to logits [batch, out_channels, *space], float32. The first half of the
    channels are images, the second half their presence: planes of 1 where the modality is there, of 0 where it is not.
    What stands in the image of an absent modality has no influence.

    Args:
        spatial_dims: 2 or 3.
        modalities: how many.
        out_channels: classes, background included.
        filters: channels of each level, finest first; at least 3 levels.
        kernel_size: convolution kernel of each level, per axis.
        strides: step from the level above into each level, per axis; 1 for the first.
        optional: modalities that some hospitals never have, by the number of their channel.
    """

    def __init__(
        self,
        spatial_dims: int,
        modalities: int,
        out_channels: int,
        filters: Sequence[int],
        kernel_size: Sequence[Sequence[int]],
        strides: Sequence[Sequence[int]],
        optional: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.modalities = modalities
        self.body = PlainDynUNet(spatial_dims, modalities, out_channels, filters, kernel_size, strides)
        self.gain = nn.Linear(modalities, filters[0])
        self.bias = nn.Linear(modalities, filters[0])
        first = next(each for each in self.body.modules() if isinstance(each, nn.Conv2d | nn.Conv3d))
        with torch.no_grad():
            first.weight[:, list(optional)] = 0
        for layer in (self.gain, self.bias):  # begins as the plain network; rows of zeros learn from the first step
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`."""
        images, planes = image[:, : self.modalities], image[:, self.modalities :]
        presence = (planes.flatten(2).amax(dim=2) > 0.5).to(image.dtype)  # padding of a window adds zeros
        features = self.body.levels(images * self._wide(presence))
        features = features * (1.0 + self._wide(self.gain(presence))) + self._wide(self.bias(presence))
        logits: Tensor = self.body.output_block(features)
        return logits

    def _wide(self, vector: Tensor) -> Tensor:
        """[batch, channel] as [batch, channel, 1, ...]."""
        for _ in range(self.spatial_dims):
            vector = vector.unsqueeze(-1)
        return vector
