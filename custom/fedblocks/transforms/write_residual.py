"""What an autoencoder says of one study, as files: reconstruction and residuals as NIfTI, limits as JSON."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor, NibabelWriter
from monai.transforms import Invertd, Transform
from torch import Tensor, nn

from fedblocks.nets.split_autoencoder import SIGNS
from fedblocks.transforms.residual import SignedResidual, limits_of

WRITTEN = SIGNS[:2]  # the absolute residual is the larger of both


class WriteResiduald(Transform):
    """Write maps `<case>_<name>.nii.gz` on the grid of the image that was read, and `<case>_limits.json`, each whole.

    `reconstruction`, `bright` and `dark` are float32. 1 is the 99th percentile of the brain; residuals are 0 or more,
    and 0 outside the brain. `field` is uint8, 1 where the network looked. `above` is uint8, 1 where the bright residual
    lies above its limit and 2 where the dark one does; it is judged on the grid of the network, as the limits were, and
    is not written where one of these limits is not set. The JSON holds `case`, `limits` (sign -> residual above which
    the site calls it an anomaly, null where no site has set it) and `false_positive_rate`, the share of healthy voxels
    above the limits.

    Args:
        output_dir: made where it is missing.
        network: with `appearance.limits`.
        residual: how it is computed.
        preprocessing: what made the image, to be inverted.
        rate: the stated false-positive rate.
    """

    def __init__(
        self, output_dir: str, network: nn.Module, residual: SignedResidual, preprocessing: Transform, rate: float
    ) -> None:
        self.folder, self.network, self.residual, self.rate = Path(output_dir), network, residual, rate
        self.preprocessing = preprocessing

    def __call__(self, data: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        """Write the item's files; the item is handed on as it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        case = str(data["case"])
        if Path(case).name != case:
            raise ValueError("case must be a plain name, got one with a path; mend the datalist")
        image = data["image"]
        found = self.residual(image, data["pred"])
        maps = {"reconstruction": torch.as_tensor(data["pred"]) * (image > 0)}
        maps |= {sign: found[sign] for sign in WRITTEN}
        self._maps(data, maps, np.float32)
        labels = {"field": torch.ones_like(torch.as_tensor(image))}
        limits = limits_of(self.network)[: len(WRITTEN)]
        if bool((limits > 0).all()):
            labels["above"] = torch.zeros_like(labels["field"])
            for value, (sign, limit) in enumerate(zip(WRITTEN, limits, strict=True), start=1):
                labels["above"][found[sign] > limit.to(image.device)] = value
        else:
            (self.folder / f"{case}_above.nii.gz").unlink(missing_ok=True)  # of other weights, which had limits
        self._maps(data, labels, np.uint8)
        self._limits(case)
        return data

    def _maps(self, data: Mapping[Hashable, Any], maps: Mapping[str, Tensor], dtype: type[np.generic]) -> None:
        """Bring maps back onto the grid of the image, whole numbers by the nearest neighbour, and write them."""
        image, nearest = data["image"], np.issubdtype(dtype, np.integer)
        placed: dict[Hashable, Any] = dict(data)
        for name, each in maps.items():
            placed[name] = MetaTensor(torch.as_tensor(each).float(), meta=image.meta)
        invert = Invertd(list(maps), self.preprocessing, orig_keys="image", nearest_interp=nearest, to_tensor=True)
        inverted = invert(placed)
        for name in maps:
            writer = NibabelWriter(output_dtype=dtype)
            writer.set_data_array(inverted[name].clamp(min=0), channel_dim=0)
            writer.set_metadata({"affine": inverted[name].meta["original_affine"]}, resample=False)
            path = self.folder / f"{data['case']}_{name}.nii.gz"
            part = path.with_name(f".{path.name}")
            writer.write(part)
            part.replace(path)

    def _limits(self, case: str) -> None:
        limits = {sign: float(limit) or None for sign, limit in zip(SIGNS, limits_of(self.network), strict=True)}
        told = {"case": case, "limits": limits, "false_positive_rate": self.rate}
        path = self.folder / f"{case}_limits.json"
        part = path.with_name(f".{path.name}")
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
