"""Voxels lie where the headers say, to half a grey value; NIfTI overlays exactly and holds no text."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import dcmread
from samples.dicom_series import Stack, make_slices, worst_error, write_slices

from fedbundle.dicom.pixels.volume import Volume, save_nifti
from fedbundle.dicom.series import scan
from fedbundle.errors import DicomError

STACKS = {
    "transverse": Stack(),
    "sagittal": Stack(turn=(0, 90, 90)),
    "coronal": Stack(turn=(90, 0, 0)),
    "oblique": Stack(turn=(18.5, -7, 31)),
    "against the normal": Stack(step=-3.3, turn=(5, 6, 7)),
    "rescaled": Stack(slope=7.8393163681, intercept=-12.5, turn=(12, 0, 0)),
}


@pytest.mark.parametrize("name", STACKS)
def test_every_voxel_lies_where_the_headers_say(name: str, tmp_path: Path) -> None:
    slices = make_slices(STACKS[name])
    slices = slices[::2] + slices[::-2]
    for number, image in enumerate(slices):
        image.InstanceNumber = 100 - number
    volume = Volume.read(list(write_slices(tmp_path, slices).iterdir()))
    assert worst_error(volume.array, volume.affine) <= 0.5 * STACKS[name].slope + 1e-3
    assert np.linalg.det(volume.affine[:3, :3]) > 0
    assert volume.spacing == pytest.approx((0.7, 0.9, abs(STACKS[name].step)), abs=1e-6)


def test_each_slice_has_its_own_slope(tmp_path: Path) -> None:
    slices = [make_slices(Stack(slope=1.0 + 0.37 * number))[number] for number in range(12)]
    (series,) = scan(write_slices(tmp_path, slices))
    volume = Volume.of(series)
    assert worst_error(volume.array, volume.affine) <= 0.5 * (1 + 0.37 * 11)


@pytest.mark.parametrize("name", STACKS)
def test_nifti_overlays_what_simpleitk_reads_from_dicom(name: str, tmp_path: Path) -> None:
    (series,) = scan(write_slices(tmp_path / "dicom", make_slices(STACKS[name])))
    volume = Volume.of(series)
    volume.to_nifti(tmp_path / "volume.nii.gz")
    written = sitk.ReadImage(str(tmp_path / "volume.nii.gz"))
    source = sitk.ReadImage([str(file) for file in series.files], sitk.sitkFloat64)
    for read in ("GetOrigin", "GetDirection", "GetSpacing"):
        assert getattr(written, read)() == pytest.approx(getattr(source, read)(), abs=1e-4)
    assert np.array_equal(sitk.GetArrayFromImage(written).astype(np.float32), volume.array)


def test_nifti_holds_no_text_and_the_same_voxels_give_the_same_bytes(tmp_path: Path) -> None:
    (series,) = scan(write_slices(tmp_path / "dicom", make_slices()))
    for name in ("one.nii.gz", "two.nii.gz"):
        Volume.of(series).to_nifti(tmp_path / name)
    header = nibabel.load(tmp_path / "one.nii.gz").header
    texts = ("descrip", "aux_file", "intent_name", "db_name", "data_type")
    assert {str(header[text].item().decode()) for text in texts} == {""}
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dicom", "one.nii.gz", "two.nii.gz"]


@pytest.mark.parametrize("compressed", [False, True])
def test_the_digest_told_is_that_of_the_file(tmp_path: Path, compressed: bool) -> None:
    (series,) = scan(write_slices(tmp_path / "dicom", make_slices()))
    volume = Volume.of(series)
    told = save_nifti(volume.compact(), volume.affine, tmp_path / "image", compressed)
    assert told == hashlib.sha256((tmp_path / "image").read_bytes()).hexdigest()


def test_unreadable_pixels_are_refused_without_naming_the_file(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "Zebulon", make_slices())
    file = folder / "004"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DicomError, match="pixels must be readable") as caught:
        Volume.read(sorted(folder.iterdir()))
    assert "Zebulon" not in str(caught.value)


def test_the_real_t2(testdata: Callable[[str], Path], tmp_path: Path) -> None:
    folder = next(testdata("prostate_mr/ProstateX-0000").glob("*/4.*"))
    (series,) = scan(folder)
    volume = Volume.of(series)
    assert volume.array.shape == (19, 384, 384)
    assert volume.spacing == pytest.approx((0.5, 0.5, 3.0), abs=1e-4)
    source = sitk.ReadImage([str(file) for file in series.files])
    volume.to_nifti(tmp_path / "t2.nii.gz")
    written = sitk.ReadImage(str(tmp_path / "t2.nii.gz"))
    for index in ((0, 0, 0), (383, 383, 18), (200, 100, 9)):
        there = source.TransformIndexToPhysicalPoint(index)
        assert written.TransformIndexToPhysicalPoint(index) == pytest.approx(there, abs=1e-3)
        assert written[index] == source[index]


def test_the_slope_of_a_real_philips_slice_is_applied(testdata: Callable[[str], Path]) -> None:
    (file,) = [path for path in testdata("prostate_mr/philips_single_slice").rglob("*") if path.is_file()]
    (series,) = scan(file.parent)
    stored = dcmread(file).pixel_array
    assert np.allclose(Volume.read([file]).array[0], stored * 7.8393163681, rtol=1e-6)
    assert series.first.RescaleSlope == pytest.approx(7.8393163681)
