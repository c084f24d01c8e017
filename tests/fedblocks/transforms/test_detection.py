"""The detection map of a case, with the same least volume on every grid."""

import pytest
import torch
from monai.data import MetaTensor

from fedblocks.transforms.detection import DetectionMapd


@pytest.mark.parametrize(("spacing", "voxels", "count"), [(1.0, 8, 1), (1.0, 7, 0), (2.0, 1, 1)])
def test_small_parts_are_no_candidates(spacing: float, voxels: int, count: int) -> None:
    probability = torch.zeros(2, 12, 6, 6)
    probability[1, 2 : 2 + voxels, 3, 3] = 0.8
    affine = torch.diag(torch.tensor([-spacing, spacing, spacing, 1.0]))
    item = DetectionMapd("pred", output_key="detection")({"pred": MetaTensor(probability, affine=affine)})
    assert item["detection"].shape == (1, 12, 6, 6)
    assert item["detection"].dtype == torch.float32
    assert int((item["detection"] > 0).sum()) == count * voxels
    assert torch.equal(item["detection"].affine, affine.double())
    assert torch.equal(item["pred"], probability)


def test_without_affine_nothing_is_known_of_volumes() -> None:
    with pytest.raises(ValueError, match="must be a MetaTensor"):
        DetectionMapd("pred")({"pred": torch.zeros(2, 4, 4, 4)})
