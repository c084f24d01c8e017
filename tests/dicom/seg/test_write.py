"""A label map must come back from DICOM SEG with the same voxels in the same place, for every geometry and reader."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from samples.judges import dciodvfy, dcmqi_masks
from samples.oblique_series import oblique_series, rotated, write_series

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import SegmentationOut, read_dicom_out
from fedbundle.dicom.seg.read import read_segmentation
from fedbundle.dicom.seg.write import Model, source_order, write_segmentation
from fedbundle.dicom.series import Series, scan
from fedbundle.errors import SegmentationError

BUNDLE = Path(__file__).parents[3] / "bundles" / "prostate_mri_zones"
FOUND = read_dicom_out(BUNDLE)
assert isinstance(FOUND, SegmentationOut)
WANTED = FOUND.labelled
MODEL = Model("prostate_mri_zones", "0.1.0", "sha256:" + "ab" * 32)
BARE = (
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
    "PatientBirthDate",
    "PatientSex",
    "StudyTime",
    "Manufacturer",
)
BARE += (
    "PositionReferenceIndicator",
    "SeriesNumber",
    "SpecificCharacterSet",
    "BodyPartExamined",
    "StudyDate",
    "PatientID",
)
TURNS = {
    "transverse": rotated(0, 0, 0),
    "oblique": rotated(18.5, -7, 11),
    "sagittal": rotated(0, 90, 90),
    "reversed": rotated(180, 0, 0),
    "upside down": rotated(0, 0, 180),
}


def blobs(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint8]:
    """A label map that no flip or rotation maps onto itself; the outermost slices stay empty."""
    labels = np.random.default_rng(seed).choice(np.array([0, 1, 2], np.uint8), shape, p=[0.7, 0.2, 0.1])
    labels[[0, -1]] = 0
    return labels


def write(series: Series, path: Path) -> tuple[NDArray[np.uint8], Volume]:
    volume = Volume.of(series)
    labels = blobs(volume.array.shape)
    write_segmentation(labels, volume.affine, series.headers, WANTED, MODEL, path)
    return labels, volume


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_same_voxels_in_the_same_place(tmp_path: Path, turn: NDArray[np.float64]) -> None:
    write_series(tmp_path / "in", oblique_series(turn=turn))
    (series,) = scan(tmp_path / "in")
    labels, volume = write(series, tmp_path / "a.seg.dcm")
    assert dciodvfy(tmp_path / "a.seg.dcm") == []
    (tmp_path / "dcmqi").mkdir()
    masks, meanings = dcmqi_masks(tmp_path / "a.seg.dcm", tmp_path / "in", tmp_path / "dcmqi")
    assert meanings == {1: "Transition zone of the prostate", 2: "Peripheral zone of the prostate"}
    assert all(np.array_equal(masks[number], labels == number) for number in (1, 2))
    own = read_segmentation(tmp_path / "a.seg.dcm", volume.array.shape, volume.affine).masks
    assert all(np.array_equal(own[number], labels == number) for number in (1, 2))


def test_the_segmentation_belongs_to_the_patient_and_study(tmp_path: Path) -> None:
    images = oblique_series()
    write_series(tmp_path / "in", images)
    write(scan(tmp_path / "in")[0], tmp_path / "a.seg.dcm")
    made, source = dcmread(tmp_path / "a.seg.dcm"), images[0]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert made[keyword].value == source[keyword].value
    assert made.SeriesInstanceUID != source.SeriesInstanceUID and made.Modality == "SEG"
    assert made.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    assert [item.SegmentLabel for item in made.SegmentSequence] == ["Transition zone", "Peripheral zone"]
    kind = made.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("279706003", "SCT")


@pytest.mark.parametrize("value", [0, 1])
def test_a_segment_or_all_may_be_empty(tmp_path: Path, value: int) -> None:
    write_series(tmp_path / "in", oblique_series())
    (series,) = scan(tmp_path / "in")
    volume = Volume.of(series)
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[2, 5:9, 5:9] = value
    path = tmp_path / "a.seg.dcm"
    write_segmentation(labels, volume.affine, series.headers, WANTED, MODEL, path)
    assert dciodvfy(path) == []
    found = read_segmentation(path, labels.shape, volume.affine).masks
    assert int(found[1].sum()) == 16 * value and not found[2].any()


def test_a_source_with_a_bare_header_will_do(tmp_path: Path) -> None:
    images = oblique_series()
    for image in images:
        for keyword in BARE:
            del image[keyword]
    write_series(tmp_path / "in", images)
    write(scan(tmp_path / "in")[0], tmp_path / "a.seg.dcm")
    assert not [told for told in dciodvfy(tmp_path / "a.seg.dcm") if told.startswith("Error")]
    assert dcmread(tmp_path / "a.seg.dcm").PatientName == "Quillfeather^Jörg"


def test_slices_are_matched_by_place_not_by_order(tmp_path: Path) -> None:
    images = oblique_series(turn=TURNS["oblique"])
    paths = write_series(tmp_path / "in", images)
    volume = Volume.read(paths)
    shuffled = [images[i] for i in (3, 0, 5, 1, 4, 2)]
    order = source_order(volume.array.shape, volume.affine, shuffled)
    assert [shuffled[index].InstanceNumber for index in order] == [1, 2, 3, 4, 5, 6]


def test_a_label_map_off_the_grid_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    write_series(tmp_path / "in", oblique_series())
    (series,) = scan(tmp_path / "in")
    volume, wanted = Volume.of(series), WANTED
    labels, moved = blobs(volume.array.shape), volume.affine.copy()
    moved[0, 3] += 0.4  # mm, most of a voxel
    turned = volume.affine @ np.diag([1.0, -1.0, 1.0, 1.0])
    cases = [(labels, moved), (labels, turned), (labels[:-1], volume.affine), (labels[:, :-1], volume.affine)]
    for wrong, affine in cases:
        with pytest.raises(SegmentationError, match="grid of its source series"):
            write_segmentation(wrong, affine, series.headers, wanted, MODEL, tmp_path / "out" / "a.seg.dcm")
    assert not (tmp_path / "out").exists()


def test_images_of_two_patients_are_refused(tmp_path: Path) -> None:
    images = oblique_series()
    images[3].PatientID = "MRN-000001"
    volume = Volume.read(write_series(tmp_path / "in", images))
    with pytest.raises(SegmentationError, match="PatientID must be one") as caught:
        wanted = WANTED
        write_segmentation(blobs(volume.array.shape), volume.affine, images, wanted, MODEL, tmp_path / "a.seg.dcm")
    assert "MRN" not in str(caught.value) and not (tmp_path / "a.seg.dcm").exists()


@pytest.mark.parametrize(
    ("charset", "name"),
    [("ISO_IR 100", "Müller^Ågot"), (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"), ("GB18030", "Zhang^X=张^小东")],
)
def test_names_in_any_character_set_come_back(tmp_path: Path, charset: str | list[str], name: str) -> None:
    images = oblique_series()
    for image in images:
        image.SpecificCharacterSet, image.PatientName = charset, name
    write_series(tmp_path / "in", images)
    (series,) = scan(tmp_path / "in")
    before = str(series.headers)
    write(series, tmp_path / "a.seg.dcm")
    assert str(dcmread(tmp_path / "a.seg.dcm").PatientName) == name
    assert str(series.headers) == before


def test_damaged_and_foreign_objects_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "in", oblique_series())
    (series,) = scan(tmp_path / "in")
    _, volume = write(series, tmp_path / "a.seg.dcm")
    shape = volume.array.shape
    with pytest.raises(SegmentationError, match="binary DICOM SEG"):
        read_segmentation(series.files[0], shape, volume.affine)
    with pytest.raises(SegmentationError, match="lie on the grid"):
        read_segmentation(tmp_path / "a.seg.dcm", (shape[0], shape[1], shape[2] - 1), volume.affine)
    made = dcmread(tmp_path / "a.seg.dcm")
    made.PixelData = made.PixelData[:100]
    made.save_as(tmp_path / "b.seg.dcm")
    with pytest.raises(SegmentationError, match="whole DICOM SEG"):
        read_segmentation(tmp_path / "b.seg.dcm", shape, volume.affine)


def test_a_cropped_segmentation_of_others_is_placed_by_geometry(testdata: Callable[[str], Path]) -> None:
    folder = testdata("brain_mr/ReMIND-022")
    path = next(
        file for file in folder.rglob("*") if file.is_file() and dcmread(file, force=True).get("Modality") == "SEG"
    )
    (series,) = [found for found in scan(folder) if found.first.Modality == "MR"]
    volume = Volume.of(series)
    masks = read_segmentation(path, volume.array.shape, volume.affine).masks
    assert np.ptp(np.argwhere(masks[1]), axis=0).tolist() == [11, 15, 12]


def test_a_real_oblique_series(tmp_path: Path, testdata: Callable[[str], Path]) -> None:
    folder = next(testdata("prostate_mr/ProstateX-0000").rglob("*t2tsetra*"))
    (series,) = scan(folder)
    labels, volume = write(series, tmp_path / "a.seg.dcm")
    inherited = (
        "</StudyID(0020,0010)>",
        "</PatientName(0010,0010)[1]>",
    )  # the source's own: empty, and of the old form
    assert labels.shape == (19, 384, 384)
    assert [told for told in dciodvfy(tmp_path / "a.seg.dcm") if not any(name in told for name in inherited)] == []
    (tmp_path / "dcmqi").mkdir()
    masks, _ = dcmqi_masks(tmp_path / "a.seg.dcm", folder, tmp_path / "dcmqi")
    assert all(np.array_equal(masks[number], labels == number) for number in (1, 2))
    assert volume.spacing == pytest.approx((0.5, 0.5, 3.0), abs=1e-4)
