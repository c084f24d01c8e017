"""Maps come back onto the grid of the image that was read, and limits that no site has set are none."""

import json
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.transforms import Compose, LoadImaged, Orientationd, ResizeWithPadOrCropd, Spacingd

from fedblocks.nets.no_reconstruction import NoReconstruction
from fedblocks.transforms.brain import ScaleBraind
from fedblocks.transforms.residual import SignedResidual
from fedblocks.transforms.write_residual import WriteResiduald


def test_files_lie_on_the_grid_of_the_image(tmp_path: Path) -> None:
    voxels = np.zeros((40, 44, 12), np.float32)
    voxels[8:32, 8:36, 2:10] = 100
    voxels[18:24, 18:24, 4:8] = 160
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    nibabel.nifti1.save(nibabel.nifti1.Nifti1Image(voxels, affine), tmp_path / "image.nii.gz")
    load = LoadImaged("image", reader="NibabelReader", ensure_channel_first=True)
    turn, space = Orientationd("image", "RAS", labels=None), Spacingd("image", (3, 3, 5), mode="bilinear")
    preprocessing = Compose([load, turn, space, ResizeWithPadOrCropd("image", (32, 32, 12)), ScaleBraind("image")])
    item = preprocessing({"case": "study", "image": str(tmp_path / "image.nii.gz")})
    network = NoReconstruction(0.625)
    write = WriteResiduald(str(tmp_path / "out"), network, SignedResidual(0.7), preprocessing, 0.01)
    write(item | {"pred": network(item["image"])})
    found = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == [
        f"study_{name}" for name in ("bright.nii.gz", "dark.nii.gz", "limits.json", "reconstruction.nii.gz")
    ]
    bright = nibabel.nifti1.load(found["study_bright.nii.gz"])
    assert bright.shape == voxels.shape
    assert np.allclose(bright.affine, affine)
    values = np.asarray(bright.dataobj)
    assert values[20, 20, 6] > 0.3 > 0.05 > values[10, 10, 6] >= 0
    assert np.asarray(nibabel.nifti1.load(found["study_dark.nii.gz"]).dataobj).min() >= 0
    told = json.loads(found["study_limits.json"].read_text())
    assert told["limits"] == {"bright": None, "dark": None, "absolute": None}
    network.appearance.limits.copy_(torch.tensor([0.5, 0.25, 0.5]))
    write(item | {"pred": network(item["image"])})
    assert json.loads(found["study_limits.json"].read_text())["limits"]["dark"] == 0.25
