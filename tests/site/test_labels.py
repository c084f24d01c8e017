"""Masks are laid on the image grid or refused, and labels.csv is read strictly."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from samples.dicom_series import Stack, make_slices, write_slices
from samples.dicom_studies import write_mask, zones

from fedbundle.dicom.series import scan
from fedbundle.dicom.volume import Volume
from fedbundle.errors import InputError
from fedbundle.site.labels import LabelSheet, read_mask
from fedbundle.site.refusal import RefusedError

LABEL = {"key": "label", "values": {"0": "background", "1": "inner", "2": "outer"}, "required": ["1", "2"]}


@pytest.fixture
def image(tmp_path: Path) -> Volume:
    """An oblique volume."""
    (series,) = scan(write_slices(tmp_path / "dicom", make_slices(Stack(turn=(18, -7, 3)))))
    return Volume.of(series)


def reason(path: Path, image: Volume) -> str:
    with pytest.raises(RefusedError) as caught:
        read_mask(path, image, LABEL)
    return caught.value.reason


def test_a_mask_comes_back_as_it_was_drawn(image: Volume, tmp_path: Path) -> None:
    for name in ("mask.nii.gz", "mask.mha", "mask.nrrd"):
        mask = read_mask(write_mask(tmp_path / name, image), image, LABEL)
        assert mask.dtype == np.uint8
        assert np.array_equal(mask, zones(image))


@pytest.mark.parametrize("way", ["RAS", "LPI", "SLP", "AIR"])
def test_a_mask_with_other_axes_is_turned_back(way: str, image: Volume, tmp_path: Path) -> None:
    drawn = sitk.ReadImage(str(write_mask(tmp_path / "mask.nii.gz", image)))
    sitk.WriteImage(sitk.DICOMOrient(drawn, way), str(tmp_path / "turned.nii.gz"))
    assert np.array_equal(read_mask(tmp_path / "turned.nii.gz", image, LABEL), zones(image))


def test_a_mask_of_another_place_or_size_is_refused(image: Volume, tmp_path: Path) -> None:
    shifted = Volume(image.array, image.affine + np.diag([0, 0, 0, 0.0]), "")
    shifted.affine[2, 3] += 0.2
    assert reason(write_mask(tmp_path / "shifted.nii.gz", shifted), image) == "LABEL_GEOMETRY"
    assert reason(write_mask(tmp_path / "cut.nii.gz", image, zones(image)[:-1]), image) == "LABEL_GEOMETRY"
    flat = sitk.GetImageFromArray(zones(image)[4])
    sitk.WriteImage(flat, str(tmp_path / "flat.nii.gz"))
    assert reason(tmp_path / "flat.nii.gz", image) == "LABEL_GEOMETRY"


def test_values_outside_the_label_set_or_lacking_are_refused(image: Volume, tmp_path: Path) -> None:
    for name, mask in {
        "strange": zones(image) * 3,
        "empty": zones(image) * 0,
        "halves": zones(image) * np.float32(0.5),
    }.items():
        assert reason(write_mask(tmp_path / f"{name}.nii.gz", image, mask), image) == "LABEL_VALUES"


def test_a_mask_that_is_not_there_or_no_image_is_refused(image: Volume, tmp_path: Path) -> None:
    (tmp_path / "text.nii.gz").write_text("no image")
    assert reason(tmp_path / "text.nii.gz", image) == "LABEL_UNREADABLE"
    assert reason(tmp_path / "nowhere.nii.gz", image) == "LABEL_MISSING"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("study,mask\n1.2,a\n", "columns"),
        ("study_instance_uid,mask\n1.2,\n", "an empty cell in line 2"),
        ("study_instance_uid,mask\n1.2,a\n1.2,b\n", "stands there already in line 3"),
        ("study_instance_uid,mask\n1.2,a\n1.3,a\n", "the mask of another study in line 3"),
        ("study_instance_uid;mask\n1.2;a\n", "separated by commas"),
        ("", "columns"),
        ("\x00\xff", "columns"),
    ],
)
def test_a_bad_sheet_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        LabelSheet.read(tmp_path / "labels.csv")


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable CSV"):
        LabelSheet.read(tmp_path / "labels.csv")
