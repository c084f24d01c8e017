"""Maps come back onto the grid of the image that was read, and limits that no site has set are none."""

import json
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.transforms import Compose, CropForegroundd, LoadImaged, Orientationd, ResizeWithPadOrCropd, Spacingd

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
    box, field = CropForegroundd("image", "image", margin=1), ResizeWithPadOrCropd("image", (10, 32, 12))
    preprocessing = Compose([load, turn, space, box, field, ScaleBraind("image")])
    item = preprocessing({"case": "study", "image": str(tmp_path / "image.nii.gz")})
    network = NoReconstruction(0.625)
    write = WriteResiduald(str(tmp_path / "out"), network, SignedResidual(0.7), preprocessing, 0.01)
    write(item | {"pred": network(item["image"])})
    found = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == [
        f"study_{name}"
        for name in ("bright.nii.gz", "dark.nii.gz", "field.nii.gz", "limits.json", "reconstruction.nii.gz")
    ]
    bright = nibabel.nifti1.load(found["study_bright.nii.gz"])
    assert bright.shape == voxels.shape
    assert np.allclose(bright.affine, affine)
    values = np.asarray(bright.dataobj)
    assert values[20, 20, 6] > 0.3 > 0.05 > values[10, 10, 6] >= 0
    assert np.asarray(nibabel.nifti1.load(found["study_dark.nii.gz"]).dataobj).min() >= 0
    looked = nibabel.nifti1.load(found["study_field.nii.gz"])
    assert looked.get_data_dtype() == np.uint8
    share = np.asarray(looked.dataobj)[voxels > 0].mean()
    assert share == 15 / 24  # of 48 mm across, the field holds 30
    told = json.loads(found["study_limits.json"].read_text())
    assert told["limits"] == {"bright": None, "dark": None, "absolute": None}
    network.appearance.limits.copy_(torch.tensor([0.5, 0.25, 0.5]))
    write(item | {"pred": network(item["image"])})
    assert json.loads(found["study_limits.json"].read_text())["limits"]["dark"] == 0.25
    above = np.asarray(nibabel.nifti1.load(tmp_path / "out" / "study_above.nii.gz").dataobj)
    assert above.dtype == np.uint8
    assert set(np.unique(above)) <= {0, 1, 2}
    network.appearance.limits.zero_()
    write(item | {"pred": network(item["image"])})
    assert not (tmp_path / "out" / "study_above.nii.gz").exists()  # it was of other limits
