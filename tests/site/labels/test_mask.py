"""Label maps are laid on the image grid, or refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray
from samples.dicom_series import Stack, make_slices, write_slices
from samples.dicom_studies import write_mask, zones

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series, scan
from fedbundle.site.labels.label_map import read_label_map
from fedbundle.site.refusal import RefusedError

LABEL = {"key": "label", "values": {"0": "background", "1": "inner", "2": "outer"}, "required": ["1", "2"]}


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """An oblique series."""
    (found,) = scan(write_slices(tmp_path / "dicom", make_slices(Stack(turn=(18, -7, 3)))))
    return found


@pytest.fixture
def image(series: Series) -> Volume:
    """Its volume."""
    return Volume.of(series)


@pytest.fixture
def read(series: Series, image: Volume) -> Callable[[Path], NDArray[np.uint8]]:
    """Read a label map of the series."""
    return lambda path: read_label_map((path,), series, image, LABEL)


@pytest.fixture
def reason(read: Callable[[Path], NDArray[np.uint8]]) -> Callable[[Path], str]:
    """Code with which a label map is refused."""

    def refused(path: Path) -> str:
        with pytest.raises(RefusedError) as caught:
            read(path)
        return caught.value.reason

    return refused


def test_a_mask_comes_back_as_it_was_drawn(
    image: Volume, tmp_path: Path, read: Callable[[Path], NDArray[np.uint8]]
) -> None:
    for name in ("mask.nii.gz", "mask.mha", "mask.nrrd"):
        mask = read(write_mask(tmp_path / name, image))
        assert mask.dtype == np.uint8
        assert np.array_equal(mask, zones(image))


@pytest.mark.parametrize("way", ["RAS", "LPI", "SLP", "AIR"])
def test_a_mask_with_other_axes_is_turned_back(
    way: str, image: Volume, tmp_path: Path, read: Callable[[Path], NDArray[np.uint8]]
) -> None:
    drawn = sitk.ReadImage(str(write_mask(tmp_path / "mask.nii.gz", image)))
    sitk.WriteImage(sitk.DICOMOrient(drawn, way), str(tmp_path / "turned.nii.gz"))
    assert np.array_equal(read(tmp_path / "turned.nii.gz"), zones(image))


def test_a_mask_of_another_place_or_size_is_refused(
    image: Volume, tmp_path: Path, reason: Callable[[Path], str]
) -> None:
    shifted = Volume(image.array, image.affine + np.diag([0, 0, 0, 0.0]), "")
    shifted.affine[2, 3] += 0.2
    assert reason(write_mask(tmp_path / "shifted.nii.gz", shifted)) == "LABEL_GEOMETRY"
    assert reason(write_mask(tmp_path / "cut.nii.gz", image, zones(image)[:-1])) == "LABEL_GEOMETRY"
    flat = sitk.GetImageFromArray(zones(image)[4])
    sitk.WriteImage(flat, str(tmp_path / "flat.nii.gz"))
    assert reason(tmp_path / "flat.nii.gz") == "LABEL_GEOMETRY"


def test_values_outside_the_label_set_or_lacking_are_refused(
    image: Volume, tmp_path: Path, reason: Callable[[Path], str]
) -> None:
    for name, mask in {
        "strange": zones(image) * 3,
        "empty": zones(image) * 0,
        "halves": zones(image) * np.float32(0.5),
    }.items():
        assert reason(write_mask(tmp_path / f"{name}.nii.gz", image, mask)) == "LABEL_VALUES"


def test_a_mask_that_is_not_there_or_no_image_is_refused(tmp_path: Path, reason: Callable[[Path], str]) -> None:
    (tmp_path / "text.nii.gz").write_text("no image")
    assert reason(tmp_path / "text.nii.gz") == "LABEL_UNREADABLE"
    assert reason(tmp_path / "nowhere.nii.gz") == "LABEL_MISSING"
