"""Grey values of different scanners on one scale, each quantity by what is known of it."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

BRIGHT_SUV = 10.0  # g/ml; gets 1


class MedianRatiod(MapTransform):
    """Signal over its own median, less 1; for images in arbitrary units in which what is sought fills little.

    Diffusion images of high b-value have no unit, and their scale hangs on coil and gain. The median over the field of
    view is that of muscle and gland. A lesion does not move it, as it would the maximum, and bright voxels keep their
    distance, unlike with a z-score, whose deviation they widen.

    Args:
        keys: images [1, *space]; voxels at or below 0 do not count.
        most: values are clipped here.
        allow_missing_keys: pass over items without the key.
    """

    def __init__(self, keys: KeysCollection, most: float = 4.0, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.most = most

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            positive = item[key][item[key] > 0]
            middle = positive.median() if positive.numel() else torch.ones(())
            item[key] = (item[key] / middle - 1.0).clamp(max=self.most)
        return item


class LogUptaked(MapTransform):
    """Standardised uptake on a logarithmic scale: 0 for none, 1 for a SUV of BRIGHT_SUV.

    SUV is an absolute quantity, so nothing of the image decides its scale. The logarithm keeps urine, which can be ten
    times as bright as a lesion, from ruling the features.

    Args:
        keys: images [1, *space] in g/ml; values below 0 (of interpolation) count as 0.
        allow_missing_keys: pass over items without the key.
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = torch.log1p(item[key].clamp(min=0)) / torch.log1p(torch.tensor(BRIGHT_SUV))
        return item
