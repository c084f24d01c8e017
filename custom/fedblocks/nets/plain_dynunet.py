"""MONAI's DynUNet with each block named once and no activation in place.

DynUNet registers every block twice: beside `skip_layers`, which holds them all, also as `input_block`, `downsamples`,
`bottleneck` and `upsamples`. A state dict then carries every tensor twice, and a federation sends and averages both
copies; Opacus, which hooks modules by name, silently counts each gradient twice, and cannot follow an activation in
place either.

Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method for deep learning-based
biomedical image segmentation. Nature Methods 18:203 (2021).
"""

from collections.abc import Sequence

from monai.networks.nets import DynUNet
from torch import Tensor, nn

LEAKY = ("leakyrelu", {"inplace": False, "negative_slope": 0.01})
INSTANCE = ("instance", {"affine": True})


class PlainDynUNet(nn.Module):
    """DynUNet with affine instance normalisation (no running statistics), without deep supervision.

    Maps [batch, in_channels, *space] to logits [batch, out_channels, *space], float32. Each size of `space` must be
    divisible by the product of the strides along its axis.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the image.
        out_channels: classes, background included.
        filters: channels of each level, finest first; at least 3 levels.
        kernel_size: convolution kernel of each level, per axis.
        strides: step from the level above into each level, per axis; 1 for the first.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        filters: Sequence[int],
        kernel_size: Sequence[Sequence[int]],
        strides: Sequence[Sequence[int]],
    ) -> None:
        super().__init__()
        made = DynUNet(
            spatial_dims,
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            strides=strides,
            upsample_kernel_size=strides[1:],
            filters=filters,
            norm_name=INSTANCE,
            act_name=LEAKY,
        )
        self.levels = made.skip_layers
        self.output_block = made.output_block

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image`."""
        logits: Tensor = self.output_block(self.levels(image))
        return logits
