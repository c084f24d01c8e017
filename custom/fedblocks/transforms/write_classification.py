"""What a classifier says of one side of a study, as files: probabilities as JSON, a saliency map as NIfTI."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import MetaTensor, NibabelWriter
from monai.transforms import Transform


class WriteClassificationd(Transform):
    """Write `<case>_<side>_pred.json` and `<case>_<side>_saliency.nii.gz`, each whole or not at all.

    The JSON holds `case`, `laterality`, `probabilities` (class -> number, they sum to 1) and `saliency` (`class`
    explained, and `empty`: no evidence was left). The map, float32 [columns, rows, 1], has the geometry of the image.

    Args:
        output_dir: made where it is missing.
        case_key: of the item, names the study.
        side_key: of the item, "R" or "L".
        pred_key: probabilities [classes].
        saliency_key: map [1, columns, rows] on the grid of the image that was read.
        told_key: what the map explains, see `GradCAMd`.
    """

    def __init__(
        self,
        output_dir: str,
        case_key: str = "case",
        side_key: str = "laterality",
        pred_key: str = "pred",
        saliency_key: str = "saliency",
        told_key: str = "saliency_of",
    ) -> None:
        self.folder = Path(output_dir)
        self.case_key, self.side_key, self.pred_key = case_key, side_key, pred_key
        self.saliency_key, self.told_key = saliency_key, told_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        """Write the item's files; the item is handed on as it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        case, side = str(data[self.case_key]), str(data[self.side_key])
        name = f"{case}_{side}"
        if Path(name).name != name:
            raise ValueError(f"{self.case_key} must be a plain name, got one with a path; mend the datalist")
        told = {
            "case": case,
            "laterality": side,
            "probabilities": {str(index): round(float(p), 6) for index, p in enumerate(data[self.pred_key])},
            "saliency": data[self.told_key],
        }
        self._map(data[self.saliency_key], self.folder / f"{name}_saliency.nii.gz")
        self._json(told, self.folder / f"{name}_pred.json")
        return data

    def _map(self, saliency: MetaTensor, path: Path) -> None:
        writer = NibabelWriter(output_dtype=np.float32)
        writer.set_data_array(saliency, channel_dim=0, squeeze_end_dims=False, spatial_ndim=2)  # channel = slice axis
        writer.set_metadata({"affine": saliency.meta["original_affine"]}, resample=False)
        part = path.with_name(f".{path.name}")
        writer.write(part)
        part.replace(path)

    def _json(self, told: dict[str, Any], path: Path) -> None:
        part = path.with_name(f".{path.name}")
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(path)
