"""Slices of a volume as one stack [slice, 1, H, W]: drawn, placed anew and handed on one by one, all at once."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from fedblocks.transforms.brain import inside


class RandSlicesd(Randomizable, MapTransform):
    """Draw slices along the last axis that show enough brain: [1, H, W, slice] to a plain stack [slice, 1, H, W].

    No slice is drawn twice, unless fewer show enough; of a volume without any, all slices have the same chance.

    Args:
        keys: volumes, 0 outside the brain.
        num_samples: slices to draw.
        least: share of its pixels that a slice must show as brain.
    """

    def __init__(self, keys: KeysCollection, num_samples: int, least: float = 0.03) -> None:
        MapTransform.__init__(self, keys)
        self.num_samples, self.least = num_samples, least

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw the slices of an item, the same of all keys; the first key decides which may be drawn."""
        item = dict(data)
        first = torch.as_tensor(item[self.first_key(item)])
        shown = np.flatnonzero((inside(first).float().mean(dim=(0, 1, 2)) >= self.least).numpy())
        usable = shown if len(shown) else np.arange(first.shape[3])
        drawn = self.R.choice(usable, self.num_samples, replace=len(usable) < self.num_samples)
        for key in self.key_iterator(item):
            item[key] = torch.as_tensor(item[key])[..., torch.as_tensor(drawn)].permute(3, 0, 1, 2).contiguous()
        return item


class RandPosed(Randomizable, MapTransform):
    """Flip the slices of a stack along H, turn, shift and size them; each slice draws its own values.

    Args:
        keys: stacks [slice, 1, H, W]; 0 comes in from outside.
        flip: chance that a slice is flipped.
        prob: chance that it is turned, shifted and sized.
        turn: largest angle, in radians, either way.
        shift: largest shift along H and W, in pixels, either way.
        size: largest change of size, as a share.
    """

    def __init__(
        self, keys: KeysCollection, flip: float, prob: float, turn: float = 0.0, shift: float = 0.0, size: float = 0.0
    ) -> None:
        MapTransform.__init__(self, keys)
        self.flip, self.prob, self.turn, self.shift, self.size = flip, prob, turn, shift, size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Place the slices of an item anew, those of all keys alike."""
        item = dict(data)
        shape = item[self.first_key(item)].shape
        flipped = torch.as_tensor(self.R.random_sample(shape[0]) < self.flip)
        moved = torch.as_tensor(self.R.random_sample(shape[0]) < self.prob)
        poses = self._poses(shape[0], shape[2], shape[3])[moved]
        for key in self.key_iterator(item):
            stack = torch.where(flipped[:, None, None, None], item[key].flip(2), item[key])
            if len(poses):
                grid = affine_grid(poses, [len(poses), *shape[1:]], align_corners=False)
                stack[moved] = grid_sample(stack[moved], grid, align_corners=False)
            item[key] = stack
        return item

    def _poses(self, count: int, height: int, width: int) -> Tensor:
        """Matrices [count, 2, 3] from the new slice to the old one, in torch's units of half a width and height."""
        angle = self.R.uniform(-self.turn, self.turn, count)
        scale = 1 + self.R.uniform(-self.size, self.size, count)
        x, y = self.R.uniform(-self.shift, self.shift, (2, count))
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        rows = [[cos, -sin * height / width, 2 * x / width], [sin * width / height, cos, 2 * y / height]]
        return torch.as_tensor(np.moveaxis(np.array(rows), 2, 0), dtype=torch.float32)


class SlicesApartd(MapTransform):
    """Hand on each slice of a stack as an item of its own, so that a loader joins those of all scans to one batch."""

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Items of [1, H, W], with the keys of this transform alone."""
        stacks = {key: data[key] for key in self.key_iterator(dict(data))}
        return [dict(zip(stacks, each, strict=True)) for each in zip(*stacks.values(), strict=True)]
