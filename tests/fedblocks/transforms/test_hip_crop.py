"""The hip of the right side is cut out, and its saliency comes back to where it was."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, LoadImaged, SqueezeDimd
from samples.plain_film import make_film

from fedblocks.transforms.hip_crop import HipCropd
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.sides import sides_on

SPACING, PIXELS = 1.5, (128, 96)
CROP: dict[str, Any] = {
    "side_key": "laterality",
    "spacing_mm": SPACING,
    "field_voxels": PIXELS,
    "pelvis_mm": 300,
    "hip_mm": 100,
    "down": 0.5,
}
RIGHT, LEFT = (115, 180), (315, 180)  # mm from the top left edge of a film of 430 x 360 mm: patient's right, left hip


def film(marks: dict[tuple[float, float], float], size_mm: tuple[float, float], spacing: float) -> np.ndarray:
    """[row, column] with squares of 6 mm, as a screen shows it: row 0 on top, the patient's right at column 0."""
    rows, columns = (round(size / spacing) for size in size_mm[::-1])
    picture = np.zeros((rows, columns), np.float32)
    for (x, y), value in marks.items():
        i, j, half = round(x / spacing), round(y / spacing), round(3 / spacing)
        picture[j - half : j + half, i - half : i + half] = value
    return picture


def saved(picture: np.ndarray, spacing: float, path: Path) -> Path:
    """The film as `fedbundle ingest` writes radiographs."""
    Volume(picture[None], np.diag([spacing, spacing, 1.0, 1.0]), "").to_nifti(path)
    return path


def pipeline(**changes: Any) -> Compose:
    load = LoadImaged("image", "ITKReader", ensure_channel_first=True)
    return Compose([load, SqueezeDimd("image", 3), HipCropd("image", **CROP | changes)])


def place(image: Any, value: float) -> tuple[float, float]:
    """Mean column and row where the image is near `value`."""
    found = np.argwhere(np.abs(np.asarray(image)[0] - value) < 0.06)
    return tuple(found.mean(axis=0))


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Right hip 0.5, left hip 1; 40 mm to the outside of each and 20 mm up, a trochanter, 0.25 and 0.75."""
    marks = {RIGHT: 0.5, LEFT: 1.0, (75, 160): 0.25, (355, 160): 0.75}
    return saved(film(marks, (430, 360), 0.5), 0.5, tmp_path / "film.nii.gz")


@pytest.mark.parametrize(("side", "hip", "trochanter"), [("R", 0.5, 0.25), ("L", 1.0, 0.75)])
def test_each_side_becomes_a_right_hip(both: Path, side: str, hip: float, trochanter: float) -> None:
    crop = pipeline()({"image": both, "laterality": side})["image"]
    assert crop.shape == (1, *PIXELS)
    assert place(crop, hip) == pytest.approx((63.5, 47.5), abs=0.6)
    assert place(crop, trochanter) == pytest.approx((63.5 - 40 / SPACING, 47.5 - 20 / SPACING), abs=0.6)
    assert crop.max() == pytest.approx(max(hip, trochanter), abs=0.02)


@pytest.mark.parametrize(("side", "hip", "trochanter"), [("R", RIGHT, (75, 160)), ("L", LEFT, (355, 160))])
def test_a_map_of_the_crop_lies_on_the_film_again(both: Path, side: str, hip: Any, trochanter: Any) -> None:
    cut = pipeline()
    item = cut({"image": both, "laterality": side})
    item["saliency"] = MetaTensor(item["image"].as_tensor().clone())
    back = np.asarray(Invertd("saliency", cut, orig_keys="image", nearest_interp=False)(item)["saliency"])
    assert back.shape == (1, *nib.load(both).shape[:2])
    assert not back[0][np.abs(np.arange(back.shape[1]) * 0.5 - hip[0]) > 98].any()
    for x, y in (hip, trochanter):
        near = back[0, 2 * x - 20 : 2 * x + 20, 2 * y - 20 : 2 * y + 20]
        centre = [np.average(np.arange(40), weights=near.sum(axis=axis)) for axis in (1, 0)]
        assert centre == pytest.approx([19.5, 19.5], abs=1)  # pixels of 0.5 mm


def test_turned_storage_gives_the_same_crop(both: Path, tmp_path: Path) -> None:
    """Columns stored from the patient's left, rows from the bottom: the affine tells, the crop is the same."""
    source = nib.load(both)
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    turn[:2, 3] = np.array(source.shape[:2]) - 1
    turned = nib.Nifti1Image(source.get_fdata(dtype=np.float32)[::-1, ::-1], source.affine @ turn)
    nib.save(turned, tmp_path / "turned.nii.gz")
    paths = (both, tmp_path / "turned.nii.gz")
    one, other = (pipeline()({"image": path, "laterality": "L"})["image"].as_tensor() for path in paths)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("side", "trochanter"), [("R", 80), ("L", 160)])
def test_a_film_of_one_hip_is_taken_in_its_middle(tmp_path: Path, side: str, trochanter: float) -> None:
    path = saved(film({(120, 150): 1.0, (trochanter, 130): 0.5}, (240, 300), 0.4), 0.4, tmp_path / "hip.nii.gz")
    crop = pipeline()({"image": path, "laterality": side})["image"]
    assert place(crop, 1.0) == pytest.approx((63.5, 47.5), abs=0.7)
    assert place(crop, 0.5) == pytest.approx((63.5 - 40 / SPACING, 47.5 - 20 / SPACING), abs=0.7)


@pytest.mark.parametrize(("columns", "spacing"), [(2500, 0.12), (3750, 0.08), (3000, 0.1)])
def test_a_film_as_wide_as_the_limit_is_cut_as_predict_takes_it(tmp_path: Path, columns: int, spacing: float) -> None:
    film_of_both = Volume(np.zeros((1, 40, columns), np.float32), np.diag([spacing, spacing, 1.0, 1.0]), "")
    film_of_both.to_nifti(tmp_path / "film.nii.gz")
    header = make_film()
    header.PatientOrientation = ["L", "F"]
    assert sides_on(header, film_of_both, CROP["pelvis_mm"]).sides == ("R", "L")
    load = Compose([LoadImaged("image", "ITKReader", ensure_channel_first=True), SqueezeDimd("image", 3)])
    loaded = load({"image": tmp_path / "film.nii.gz"})["image"]
    middle = [(PIXELS[0] - 1) / 2, (PIXELS[1] - 1) / 2, 1]
    right, left = (HipCropd("image", **CROP).grid(loaded, side) @ middle for side in ("R", "L"))
    assert right[0] - left[0] == pytest.approx(2 * CROP["hip_mm"])


def test_fine_lines_do_not_turn_into_coarse_ones(tmp_path: Path) -> None:
    """A grid of 0.4 mm, finer than the crop can show, becomes an even grey."""
    stripes = np.zeros((1800, 2150), np.float32)
    stripes[:, ::2] = 1
    crop = pipeline()({"image": saved(stripes, 0.2, tmp_path / "film.nii.gz"), "laterality": "R"})["image"]
    inner = np.asarray(crop)[0, 10:-10, 10:-10]
    assert inner.mean() == pytest.approx(0.5, abs=0.01)
    assert inner.std() < 0.01


def test_pixels_that_are_large_already_are_not_blurred(tmp_path: Path) -> None:
    path = saved(film({RIGHT: 1.0}, (430, 360), 1.5), 1.5, tmp_path / "film.nii.gz")
    crop = pipeline(spacing_mm=1.0)({"image": path, "laterality": "R"})["image"]
    assert crop.max() == pytest.approx(1.0, abs=1e-3)


def test_an_unknown_side_or_a_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="laterality must be L or R, got 'B'"):
        HipCropd("image", **CROP)({"image": MetaTensor(torch.zeros(1, 8, 8)), "laterality": "B"})
    with pytest.raises(ValueError, match="film must be"):
        HipCropd("image", **CROP)({"image": MetaTensor(torch.zeros(1, 8, 8, 1)), "laterality": "L"})
