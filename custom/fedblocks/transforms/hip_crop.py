"""One hip of a radiograph of the pelvis or of the hip, always seen as a right hip, on a grid of its own.

No detector of hips is shipped: the place is told by the side and by the size of the film alone, and the field has to be
wide enough for the usual differences in positioning. A network has to be trained with shifted crops.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.networks.layers import GaussianFilter
from monai.transforms import InvertibleTransform, MapTransform, SpatialResample
from numpy.typing import NDArray

TOLERANCE_MM = 0.5  # NIfTI keeps spacings as float32: a film as wide as the limit may come out narrower by a hair
OUTWARDS = {"R": 1.0, "L": -1.0}  # sign of x in RAS, from the midline of the body to the hip


class HipCropd(MapTransform, InvertibleTransform):
    """Cut the hip of one side out of a radiograph [1, columns, rows], float32, and mirror a left one.

    The crop [1, *field_voxels] has the side of the body at its low column indices, the midline at the high ones, and
    the head at low row indices; what lies outside of the film is 0. A film of at least `pelvis_mm`, less half a
    millimetre, shows both hips: the crop is centred `hip_mm` to the side of its middle column and `down` of its height
    below the top. A narrower film shows one hip: the crop is centred on its middle.

    Geometry is the affine of the MetaTensor: mm at the detector, x to the patient's right, y to the top of the film.
    `fedbundle ingest` and `predict` write the size of pixels into it and nothing else, since a radiograph lies nowhere
    in the patient: the first column is the patient's right, the first row the top, and a film whose header says
    otherwise they refuse. The affine of other makers may let columns run to either side, rows up or down.

    The film is resampled once; where pixels become larger it is smoothed before, by a Gaussian of half the excess (as
    scikit-image's `resize`).

    The inverse brings whatever lies on the crop to the grid of the film, 0 outside of the crop.

    Args:
        keys: images, MetaTensors.
        side_key: of the item, the patient's side, "R" or "L".
        spacing_mm: size of the crop's pixels.
        field_voxels: columns and rows of the crop.
        pelvis_mm: least width of a film that shows both hips, `both_sides_from_mm` of configs/dicom_out.json.
        hip_mm: distance of a hip from the midline.
        down: place of the hips from the top of a film of the pelvis, as a share of its height.
    """

    def __init__(
        self,
        keys: KeysCollection,
        side_key: str,
        spacing_mm: float,
        field_voxels: Sequence[int],
        pelvis_mm: float,
        hip_mm: float,
        down: float,
    ) -> None:
        super().__init__(keys)
        self.side_key, self.spacing_mm, self.field_voxels = side_key, spacing_mm, tuple(field_voxels)
        self.pelvis_mm, self.hip_mm, self.down = pelvis_mm, hip_mm, down
        self.resample = SpatialResample(mode="bilinear", padding_mode="zeros", dtype=torch.float32)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop each key."""
        item = dict(data)
        for key in self.key_iterator(item):
            grid = torch.from_numpy(self.grid(item[key], item[self.side_key]))
            item[key] = self.resample(self._smoothed(item[key]), grid, self.field_voxels)
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Bring each key back to the grid of its film."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.resample.inverse(item[key])
        return item

    def grid(self, film: MetaTensor, side: str) -> NDArray[np.float64]:
        """3x3 matrix from (column, row) of the crop to mm (x, y) of the film.

        Raises:
            ValueError: the film is no single slice, or the side neither R nor L.
        """
        if side not in OUTWARDS:
            raise ValueError(f"{self.side_key} must be L or R, got {side!r}; mend the datalist")
        if film.ndim != 3:
            raise ValueError(f"film must be [channel, columns, rows], got {film.ndim} axes; squeeze its slice axis")
        low, high = _edges(film)
        x, y = (low + high) / 2
        if high[0] - low[0] >= self.pelvis_mm - TOLERANCE_MM:
            x += OUTWARDS[side] * self.hip_mm
            y = high[1] - self.down * (high[1] - low[1])
        columns, rows = self.field_voxels
        step = OUTWARDS[side] * self.spacing_mm
        return np.array(
            [
                [-step, 0.0, x + step * (columns - 1) / 2],
                [0.0, -self.spacing_mm, y + self.spacing_mm * (rows - 1) / 2],
                [0.0, 0.0, 1.0],
            ]
        )

    def _smoothed(self, film: MetaTensor) -> MetaTensor:
        sizes = np.linalg.norm(_affine(film)[:2, :2], axis=0)
        sigma = np.maximum(0, (self.spacing_mm / sizes - 1) / 2)
        if not sigma.any():
            return film
        smooth = GaussianFilter(2, torch.as_tensor(sigma, dtype=torch.float32))
        with torch.no_grad():
            values = smooth(film.as_tensor()[None].float())[0]
        return MetaTensor(values, meta=film.meta, applied_operations=film.applied_operations)


def _affine(film: MetaTensor) -> NDArray[np.float64]:
    """3x3 matrix from (column, row) to mm (x, y)."""
    full = np.asarray(film.affine, dtype=np.float64)
    return full[np.ix_([0, 1, -1], [0, 1, -1])]


def _edges(film: MetaTensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest x and y of the film's outer edges, in mm."""
    columns, rows = film.shape[1:]
    corners = np.array([[i, j, 1.0] for i in (-0.5, columns - 0.5) for j in (-0.5, rows - 0.5)])
    places = corners @ _affine(film).T
    return places.min(axis=0)[:2], places.max(axis=0)[:2]
