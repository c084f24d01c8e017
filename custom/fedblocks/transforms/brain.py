"""Grey values of skull-stripped brains: the mask, one scale for all scanners, and corruption to be taken back."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
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


class RandCoarseNoised(RandomizableTransform, MapTransform):
    """Add noise that is drawn on a coarse grid and enlarged, inside the brain only; for denoising autoencoders.

    Kascenas A, Pugeault N, O'Neil AQ. Denoising autoencoders for unsupervised anomaly detection in brain MRI.
    MIDL 2022.

    Args:
        keys: slices [1, H, W], 0 outside the brain.
        std: largest standard deviation; each slice draws its own below.
        cells: of the coarse grid, along H and W.
        prob: chance that a slice is changed.
    """

    def __init__(self, keys: KeysCollection, std: float = 0.3, cells: int = 16, prob: float = 0.5) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob=prob)
        self.std, self.cells = std, cells

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Corrupt the images of an item."""
        item = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return item
        for key in self.key_iterator(item):
            image = item[key]
            drawn = self.R.standard_normal((1, 1, self.cells, self.cells)) * self.R.uniform(0, self.std)
            noise = interpolate(
                torch.as_tensor(drawn, dtype=torch.float32),
                tuple(image.shape[1:]),
                mode="bilinear",
                align_corners=False,
            )[0]
            corrupted = (image + noise).clamp(min=LEAST, max=MOST)
            item[key] = corrupted * inside(image)
        return item
