"""What a bundle saves is taken only when it lies on the grid of its input and holds the values it declares."""

from pathlib import Path

import numpy as np
import pytest
from samples.oblique_series import oblique_series, rotated, write_series

from fedbundle.clinic.segmentation import read_label_map
from fedbundle.dicom.pixels.volume import Volume, write_nifti
from fedbundle.dicom.seg.dicom_out import SegmentationOut, read_dicom_out
from fedbundle.errors import PredictionError, SegmentationError

FOUND = read_dicom_out(Path(__file__).parents[2] / "bundles" / "prostate_mri_zones")

assert isinstance(FOUND, SegmentationOut)
WANTED = FOUND


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume.read(write_series(tmp_path / "in", oblique_series(turn=rotated(15, 5, -20))))


def test_a_label_map_on_the_grid_is_taken_as_it_is(volume: Volume, tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 3, volume.array.shape).astype(np.uint8)
    write_nifti(labels, volume.affine, tmp_path / "a.nii.gz")
    assert np.array_equal(read_label_map(tmp_path / "a.nii.gz", volume, WANTED), labels)
    write_nifti(labels[None].astype(np.float32)[0], volume.affine, tmp_path / "b.nii.gz")
    assert read_label_map(tmp_path / "b.nii.gz", volume, WANTED).dtype == np.uint8


def test_another_grid_is_refused(volume: Volume, tmp_path: Path) -> None:
    labels = np.zeros(volume.array.shape, np.uint8)
    shifted, flipped = volume.affine.copy(), volume.affine @ np.diag([-1.0, 1.0, 1.0, 1.0])
    shifted[:3, 3] += 0.2
    for array, affine in ((labels[1:], volume.affine), (labels, shifted), (labels, flipped)):
        write_nifti(array, affine, tmp_path / "a.nii.gz")
        with pytest.raises(SegmentationError, match="must invert what it resamples"):
            read_label_map(tmp_path / "a.nii.gz", volume, WANTED)


def test_other_values_and_other_files_are_refused(volume: Volume, tmp_path: Path) -> None:
    for wrong in (3.0, 0.5, np.nan):
        write_nifti(np.full(volume.array.shape, wrong, np.float32), volume.affine, tmp_path / "a.nii.gz")
        with pytest.raises(PredictionError, match="must hold"):
            read_label_map(tmp_path / "a.nii.gz", volume, WANTED)
    (tmp_path / "a.nii.gz").write_bytes(b"no NIfTI")
    with pytest.raises(PredictionError, match="readable NIfTI"):
        read_label_map(tmp_path / "a.nii.gz", volume, WANTED)
