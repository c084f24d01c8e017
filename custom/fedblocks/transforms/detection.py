"""A detection map from the probabilities of classes."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from fedblocks.detection import detection_map

LEAST_MM3 = 7.5  # 10 voxels of 0.5 x 0.5 x 3 mm, as PI-CAI counts them


class DetectionMapd(MapTransform):
    """Candidates of one class, see `fedblocks.detection`; the same least volume on every grid.

    Args:
        keys: probabilities [classes, x, y, z] with affine (MetaTensor).
        channel: class that is detected.
        output_key: where the map [1, x, y, z] goes, float32; None = in place.
        least_mm3: parts of this volume or less are no candidates.
    """

    def __init__(
        self, keys: KeysCollection, channel: int = 1, output_key: str | None = None, least_mm3: float = LEAST_MM3
    ) -> None:
        super().__init__(keys)
        self.channel = channel
        self.output_key = output_key
        self.least_mm3 = least_mm3

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Make the map of an item."""
        item = dict(data)
        for key in self.keys:
            image = item[key]
            if not isinstance(image, MetaTensor):
                raise ValueError(
                    f"{key} must be a MetaTensor, whose affine tells its voxels, got {type(image).__name__}"
                )
            voxel_mm3 = float(np.abs(np.linalg.det(image.affine[:3, :3].cpu().numpy())))
            probability = np.clip(image[self.channel].as_tensor().float().cpu().numpy(), 0, 1)
            found = detection_map(probability, self.least_mm3 / voxel_mm3)
            made = MetaTensor(
                torch.as_tensor(found)[None], meta=image.meta, applied_operations=image.applied_operations
            )
            item[self.output_key or key] = made
        return item
