"""Several modalities of one patient in one tensor that says which are there, and their drop-out in training."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform

Item = dict[Hashable, Any]
SAME_MM = 1e-3  # affines of one grid differ by less


class StackModalitiesd(MapTransform):
    """Join images [1, *space] to one [2 * modalities, *space]: first the images, then a plane of presence for each.

    A missing key, or None, gives zeros in both. The result has the grid and the history of the first key, and the
    images leave the item. Invertd brings a prediction back onto the first image if a copy of the result stands under
    its key.

    Args:
        keys: modalities in the order of the channels; the first must be in every item.
        output_key: where the tensor goes.
    """

    def __init__(self, keys: Sequence[str], output_key: str = "image") -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.output_key = output_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Join the modalities of an item."""
        item = dict(data)
        images = [item.pop(key, None) for key in self.keys]
        first = images[0]
        if first is None:
            raise ValueError(f"{self.keys[0]} must be in every item, got one without; ingest it again")
        for key, image in zip(self.keys, images, strict=True):
            if image is not None and not _on_grid(image, first):
                raise ValueError(
                    f"{key} must lie on the grid of {self.keys[0]}, {list(first.shape)}, got {list(image.shape)} or "
                    "another place; write it there with resample_to"
                )
        absent = torch.zeros_like(torch.as_tensor(first), dtype=torch.float32)
        channels = [absent if image is None else torch.as_tensor(image).float() for image in images]
        planes = [absent if image is None else torch.ones_like(absent) for image in images]
        joined = torch.cat([_plain(channel) for channel in [*channels, *planes]])
        if isinstance(first, MetaTensor):
            joined = MetaTensor(joined, meta=first.meta, applied_operations=first.applied_operations)
        item[self.output_key] = joined
        return item


class RandModalityDropoutd(RandomizableTransform, MapTransform):
    """Make modalities absent at random, each with its own probability, never all that are there.

    Args:
        keys: tensors [2 * modalities, *space] as StackModalitiesd makes them.
        probabilities: of each modality, in the order of the channels; 0 = never.
    """

    def __init__(self, keys: str | Sequence[str], probabilities: Sequence[float]) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob=1.0)
        self.probabilities = np.asarray(probabilities, dtype=np.float64)
        self.dropped = np.zeros(len(probabilities), dtype=bool)

    def randomize(self, there: Sequence[bool]) -> None:
        """Draw which modalities go; where it would be all that are `there`, one of them stays."""
        self.dropped = self.R.random(len(self.probabilities)) < self.probabilities
        present = np.flatnonzero(np.asarray(there))
        stays = self.R.choice(present) if len(present) else 0  # drawn always, so that the order of draws is the same
        if self.dropped[present].all():
            self.dropped[stays] = False

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Drop modalities of an item."""
        item = dict(data)
        count = len(self.probabilities)
        for key in self.keys:
            image = item[key].clone()
            self.randomize([bool(image[count + place].any()) for place in range(count)])
            for place in np.nonzero(self.dropped)[0]:
                image[place] = image[count + place] = 0
            item[key] = image
        return item


class RandModalityIntensityd(RandomizableTransform, MapTransform):
    """Change gain, offset and noise of some modalities at random, where they are there; presence stays.

    Args:
        keys: tensors [2 * modalities, *space] as StackModalitiesd makes them.
        channels: modalities that are changed; those in absolute units (ADC, SUV) are better left alone.
        gain: each is multiplied by 1 plus or minus up to this.
        offset: and shifted by plus or minus up to this.
        noise: largest standard deviation of what is added to each voxel.
        prob: chance that an item is changed.
    """

    def __init__(
        self,
        keys: str | Sequence[str],
        channels: Sequence[int],
        gain: float = 0.2,
        offset: float = 0.2,
        noise: float = 0.1,
        prob: float = 0.5,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob=prob)
        self.channels = list(channels)
        self.largest = (gain, offset, noise)

    def __call__(self, data: Mapping[Hashable, Any]) -> Item:
        """Change an item."""
        item = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return item
        gain, offset, noise = self.largest
        for key in self.keys:
            image = item[key].clone()
            for channel in self.channels:
                by, plus, sd = self.R.uniform(-gain, gain), self.R.uniform(-offset, offset), self.R.uniform(0, noise)
                grain = torch.as_tensor(self.R.standard_normal(image.shape[1:]), dtype=torch.float32) * sd
                there = image[len(image) // 2 + channel]
                image[channel] = (image[channel] * (1 + by) + plus + grain) * there
            item[key] = image
        return item


def _on_grid(image: torch.Tensor, first: torch.Tensor) -> bool:
    if image.shape != first.shape:
        return False
    if isinstance(image, MetaTensor) and isinstance(first, MetaTensor):
        return bool(torch.allclose(image.affine, first.affine, atol=SAME_MM))
    return True


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor
