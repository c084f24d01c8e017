"""A detection map from the probabilities of classes."""

from collections.abc import Hashable, Mapping, Sequence
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
        keys: probabilities [classes, x, y, z].
        channel: class that is detected.
        output_key: where the map [1, x, y, z] goes, float32; None = in place.
        least_mm3: parts of this volume or less are no candidates.
        spacing_mm: of the voxels of plain tensors; None = each is a MetaTensor and its affine tells.
    """

    def __init__(
        self,
        keys: KeysCollection,
        channel: int = 1,
        output_key: str | None = None,
        least_mm3: float = LEAST_MM3,
        spacing_mm: Sequence[float] | None = None,
    ) -> None:
        super().__init__(keys)
        self.channel = channel
        self.output_key = output_key
        self.least_mm3 = least_mm3
        self.spacing_mm = spacing_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Make the map of an item."""
        item = dict(data)
        for key in self.keys:
            image = item[key]
            probability = np.clip(_plain(image[self.channel]).float().cpu().numpy(), 0, 1)
            found = torch.as_tensor(detection_map(probability, self.least_mm3 / self._voxel_mm3(key, image)))[None]
            if isinstance(image, MetaTensor):
                found = MetaTensor(found, meta=image.meta, applied_operations=image.applied_operations)
            item[self.output_key or key] = found
        return item

    def _voxel_mm3(self, key: Hashable, image: torch.Tensor) -> float:
        if isinstance(image, MetaTensor):
            return float(np.abs(np.linalg.det(image.affine[:3, :3].cpu().numpy())))
        if self.spacing_mm is None:
            raise ValueError(
                f"{key} must be a MetaTensor, whose affine tells its voxels, got {type(image).__name__}; "
                "or say spacing_mm"
            )
        return float(np.prod(self.spacing_mm))


def _plain(image: torch.Tensor) -> torch.Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else image
