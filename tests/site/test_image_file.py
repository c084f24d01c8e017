"""NIfTI files of a dataset: read strictly, where ITK takes half a file for whole."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from samples.contract_dataset import AFFINE, write_image

from fedbundle.dicom.pixels.volume import write_nifti
from fedbundle.site.image_file import ImageFile

VOXELS = np.random.default_rng(0).normal(100, 10, (20, 18, 6)).astype(np.float32)  # column, row, slice


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_ingest_writes_is_read_as_it_was(name: str, tmp_path: Path) -> None:
    write_nifti(VOXELS.T, AFFINE, tmp_path / name)
    read = ImageFile.read(tmp_path / name)
    assert np.array_equal(read.array, VOXELS.T)
    assert np.allclose(read.grid.affine, AFFINE)  # LPS
    assert read.grid.spacing == pytest.approx((0.5, 0.5, 3.0))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kept", [0, 5, 400, -1000, -5])
def test_a_file_that_was_cut_off_is_not_read(kept: int, name: str, tmp_path: Path) -> None:
    write_image(tmp_path / name, VOXELS)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:kept])
    with pytest.raises(ValueError, match="no whole NIfTI file"):
        ImageFile.read(tmp_path / name)


def test_a_file_with_a_wrong_byte_is_not_read(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nii.gz", VOXELS)
    content = bytearray((tmp_path / "a.nii.gz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(ValueError, match="no whole NIfTI file"):
        ImageFile.read(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_file_without_a_place_is_not_read(value: float, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header["srow_z"], image.header["qform_code"] = [0, 0, value, 0], 0
    (tmp_path / "a.nii").write_bytes(image.header.binaryblock + bytes(4) + VOXELS.T.tobytes())
    with pytest.raises(ValueError, match="right angles, or no place"):
        ImageFile.read(tmp_path / "a.nii")


def test_axes_that_lean_are_not_read(tmp_path: Path) -> None:
    leaning = AFFINE.copy()
    leaning[0, 2] = 0.5
    write_image(tmp_path / "a.nii", VOXELS, leaning)
    with pytest.raises(ValueError, match="right angles"):
        ImageFile.read(tmp_path / "a.nii")


def test_other_units_and_versions_are_understood(tmp_path: Path) -> None:
    image = nibabel.Nifti2Image(VOXELS[..., None], np.diag([500.0, 500, 3000, 1]))  # an axis of one time, as ITK drops
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii.gz")
    read = ImageFile.read(tmp_path / "a.nii.gz")
    assert read.array.shape == (6, 18, 20)
    assert read.grid.spacing == pytest.approx((0.5, 0.5, 3.0))


def test_grids_are_compared_at_their_corners(tmp_path: Path) -> None:
    grids = []
    for number, shift in enumerate((0.0, 0.04, 0.06)):
        affine = AFFINE.copy()
        affine[0, 3] = shift
        write_image(tmp_path / f"{number}.nii", VOXELS, affine)
        grids.append(ImageFile.read(tmp_path / f"{number}.nii").grid)
    write_image(tmp_path / "less.nii", VOXELS[:-1])
    assert grids[1].apart(grids[0]) == ""
    assert grids[2].apart(grids[0]) == "corners up to 0.06 mm apart"
    assert ImageFile.read(tmp_path / "less.nii").grid.apart(grids[0]) == "19x18x6 voxels, wanted 20x18x6"
