"""Grey values of skull-stripped brains: the mask, one scale for all scanners, and corruption to be taken back."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor
from torch.nn.functional import interpolate

PERCENTILE = 99.0
MOST = 2.0  # of the percentile; brighter voxels are cut to it
LEAST = 0.02  # of the percentile; darker voxels are outside: resampling smears the edge of the brain


def inside(image: Tensor) -> Tensor:
    """Mask of the brain in what `ScaleBraind` made, which is 0 outside."""
    return torch.as_tensor(image) > 0


class ScaleBraind(MapTransform):
    """Divide by the 99th percentile inside the brain; 0 outside of it, at most 2.

    The percentile is robust against few bright voxels, and needs no two scanners to have one histogram. Inside the
    brain means above 0 in a skull-stripped image. Voxels below 2 % of the percentile become 0 and count as outside.

    Args:
        keys: images [1, *space].
        allow_missing_keys: pass over items without the key.
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            values, _ = torch.as_tensor(image)[inside(image)].float().sort()
            high = float(values[int(PERCENTILE / 100 * (len(values) - 1))]) if len(values) else 1.0
            scaled = (image / high).clamp(max=MOST)
            item[key] = scaled * (scaled > LEAST)
        return item


class RandCoarseNoised(Randomizable, MapTransform):
    """Add noise that is drawn on a coarse grid and enlarged, inside the brain only; for denoising autoencoders.

    Kascenas A, Pugeault N, O'Neil AQ. Denoising autoencoders for unsupervised anomaly detection in brain MRI.
    MIDL 2022. As there, the enlarged noise is rolled by a random number of pixels, so its grid lies nowhere for good.

    Args:
        keys: stacks of slices [slice, 1, H, W], 0 outside the brain.
        std: largest standard deviation; each slice draws its own below.
        cells: of the coarse grid, along H and W.
        share: of the cells that hold noise; the others are 0, so that a slice keeps places that are as they were.
    """

    def __init__(self, keys: KeysCollection, std: float = 0.3, cells: int = 16, share: float = 1.0) -> None:
        MapTransform.__init__(self, keys)
        self.std, self.cells, self.share = std, cells, share

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Corrupt the stacks of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            stack = item[key]
            count, size = len(stack), tuple(stack.shape[2:])
            drawn = self.R.standard_normal((count, 1, self.cells, self.cells))
            drawn *= self.R.uniform(0, self.std, (count, 1, 1, 1))
            drawn *= self.R.random_sample(drawn.shape) < self.share
            noise = interpolate(torch.as_tensor(drawn, dtype=torch.float32), size, mode="bilinear")
            noise = noise.roll([int(self.R.randint(side)) for side in size], (2, 3))
            item[key] = (stack + noise).clamp(min=LEAST, max=MOST) * inside(stack)
        return item
