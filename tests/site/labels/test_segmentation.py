"""Anyone's DICOM SEG lands on the voxels it was drawn on, or is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.data import get_testdata_file
from samples.dicom_series import Stack, make_slices, write_slices
from samples.dicom_studies import zones
from samples.label_objects import write_seg

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series, scan
from fedbundle.site.labels.label_map import read_label_map
from fedbundle.site.labels.segmentation import read_segmentation
from fedbundle.site.refusal import RefusedError

LABEL = {"key": "label", "values": {"0": "background", "1": "inner", "2": "outer"}}


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """An oblique series of 12 slices."""
    (found,) = scan(write_slices(tmp_path / "dicom", make_slices(Stack(turn=(18, -7, 3)))))
    return found


@pytest.fixture
def image(series: Series) -> Volume:
    """Its volume."""
    return Volume.of(series)


@pytest.fixture
def refused(series: Series, image: Volume) -> Callable[..., tuple[str, str]]:
    """Code and detail with which a SEG is refused."""

    def read(path: Path, **label: Any) -> tuple[str, str]:
        with pytest.raises(RefusedError) as caught:
            read_label_map((path,), series, image, LABEL | label)
        return caught.value.reason, caught.value.detail

    return read


def parts(image: Volume) -> dict[str, NDArray[np.bool_]]:
    """Two masks that do not overlap."""
    return {"Inner": zones(image) == 1, "OUTER": zones(image) == 2}


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_come_back_as_they_were_drawn(kind: str, series: Series, image: Volume, tmp_path: Path) -> None:
    path = write_seg(tmp_path / "a.dcm", series, parts(image), kind)
    assert np.array_equal(read_label_map((path,), series, image, LABEL), zones(image))


def test_a_seg_of_another_orientation_is_turned_back(series: Series, image: Volume, tmp_path: Path) -> None:
    path = write_seg(tmp_path / "a.dcm", series, parts(image))
    file = dcmread(path)
    shared = file.SharedFunctionalGroupsSequence[0]
    orientation = [float(value) for value in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    spacing = [float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing]
    along = np.array(orientation[:3]) * spacing[1] * (file.Columns - 1)
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [*orientation[3:], *(-x for x in orientation[:3])]
    shared.PixelMeasuresSequence[0].PixelSpacing = spacing[::-1]
    frames = file.pixel_array[:, :, ::-1].transpose(0, 2, 1)
    for own in file.PerFrameFunctionalGroupsSequence:
        place = own.PlanePositionSequence[0]
        place.ImagePositionPatient = [float(x) for x in np.array(place.ImagePositionPatient, dtype=float) + along]
    file.Rows, file.Columns = file.Columns, file.Rows
    file.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes()
    file.PixelData += b"\0" * (len(file.PixelData) % 2)
    file.save_as(tmp_path / "turned.dcm")
    assert np.array_equal(read_label_map((tmp_path / "turned.dcm",), series, image, LABEL), zones(image))


def test_a_cropped_seg_lies_where_its_positions_say(testdata: Callable[[str], Path]) -> None:
    folder = testdata("brain_mr/ReMIND-022")
    (series,) = scan(folder / "3DAXT1postcontrast_MRI")
    image = Volume.of(series)
    label = {"key": "label", "values": {"0": "background", "1": "tumour"}}
    label |= {"segments": {"1": {"codes": [{"value": "115240006", "scheme": "SCT"}]}}}
    found = read_label_map((folder / "Tumor_segmentation.dcm",), series, image, label)
    assert found.sum() == 799
    where = np.argwhere(found)
    assert (where.min(axis=0) >= (54, 112, 162)).all() and (where.max(axis=0) < (66, 128, 175)).all()
    file = dcmread(folder / "Tumor_segmentation.dcm")
    weights = file.pixel_array.sum(axis=(1, 2))
    assert [int(found[number].sum()) for number in range(54, 66)] == weights.tolist()
    first = file.PerFrameFunctionalGroupsSequence[int(np.argmax(weights))]
    row, column = np.argwhere(file.pixel_array[int(np.argmax(weights))])[0]
    across, down = np.array(
        file.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float
    ).reshape(2, 3)
    centre = np.array(first.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
    centre += (across * column + down * row) * 0.9765625
    place = np.rint(np.linalg.inv(image.affine) @ [*centre, 1])[:3].astype(int)
    assert found[tuple(place[::-1])] == 1


def test_fractional_segments_need_a_declared_threshold(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    share = {"inner": np.where(zones(image) == 1, 0.8, 0.3 * (zones(image) == 2))}
    path = write_seg(tmp_path / "a.dcm", series, share, "FRACTIONAL", fractional_type="PROBABILITY")
    assert refused(path) == ("LABEL_VALUES", "it is fractional, and the bundle declares no fractional_threshold")
    for threshold, wanted in {0.5: zones(image) == 1, 0.2: zones(image) > 0}.items():
        found = read_label_map((path,), series, image, LABEL | {"fractional_threshold": threshold})
        assert np.array_equal(found == 1, wanted)


def test_overlapping_segments_follow_the_priority_or_are_refused(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    path = write_seg(tmp_path / "a.dcm", series, {"inner": zones(image) == 1, "outer": zones(image) > 0})
    count = int((zones(image) == 1).sum())
    told = f"{count} voxels lie in several structures, and no priority is declared"
    assert refused(path) == ("LABEL_OVERLAP", told)
    assert np.array_equal(read_label_map((path,), series, image, LABEL | {"priority": ["1", "2"]}), zones(image))
    swallowed = read_label_map((path,), series, image, LABEL | {"priority": ["2", "1"]})
    assert np.array_equal(swallowed, 2 * (zones(image) > 0))


def test_segments_are_matched_by_code_before_name_and_others_are_left_out(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    path = write_seg(tmp_path / "a.dcm", series, parts(image))  # both carry the code of bone
    bone = {"value": "T-D016E", "scheme": "SRT"}  # the retired code of what SNOMED CT calls 272673000
    found = read_label_map((path,), series, image, LABEL | {"segments": {"2": {"codes": [bone]}}})
    assert np.array_equal(found, 2 * (zones(image) > 0))
    found = read_label_map(
        (path,), series, image, LABEL | {"segments": {"1": {"names": ["outer"]}, "2": {"names": ["x"]}}}
    )
    assert np.array_equal(found, zones(image) == 2)
    told = ("LABEL_VALUES", "none of 2 structures is in the label set")
    assert refused(path, values={"0": "background", "1": "liver"}) == told


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"StudyInstanceUID": "1.2.3"}, "another study"),
        ({"FrameOfReferenceUID": "1.2.3"}, "another frame of reference"),
        ({"SeriesInstanceUID": "1.2.3"}, "refers to 1 other series"),
        ({"ReferencedSOPInstanceUID": "1.2.3"}, "none of the 1 images"),
    ],
)
def test_a_seg_drawn_on_something_else_is_refused(
    change: dict[str, str], detail: str, series: Series, image: Volume, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    path = write_seg(tmp_path / "a.dcm", series, parts(image))
    file = dcmread(path)
    for name, value in change.items():
        if name == "SeriesInstanceUID":
            file.ReferencedSeriesSequence[0].SeriesInstanceUID = value
        elif name == "ReferencedSOPInstanceUID":
            for item in file.ReferencedSeriesSequence[0].ReferencedInstanceSequence:
                item.ReferencedSOPInstanceUID = value
        else:
            setattr(file, name, value)
    file.save_as(path)
    code, told = refused(path)
    assert code == "LABEL_REFERENCE" and detail in told and "1.2.3" not in told


def test_frames_beside_the_grid_are_refused(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    path = write_seg(tmp_path / "a.dcm", series, parts(image))
    for move, told in ((0.3, "off the grid"), (33.0, "outside the image"), (1e12, "far beside the image")):
        file = dcmread(path)
        for own in file.PerFrameFunctionalGroupsSequence:
            place = np.array(own.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
            own.PlanePositionSequence[0].ImagePositionPatient = [
                f"{x:.10g}" for x in place + move * image.affine[:3, 2] / 3
            ]
        file.save_as(tmp_path / "b.dcm")
        code, detail = refused(tmp_path / "b.dcm")
        assert code == "LABEL_GEOMETRY" and told in detail


def test_a_seg_drawn_on_a_coarser_image_is_refused(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    comb = zones(image) * 0
    comb[2:9:3] = zones(image)[5]
    path = write_seg(tmp_path / "a.dcm", series, {"inner": comb == 1, "outer": comb == 2})
    assert refused(path) == ("LABEL_GEOMETRY", "its frames lie 3 slices of the image apart")


def test_damaged_or_strange_dicom_is_refused(
    series: Series, image: Volume, tmp_path: Path, refused: Callable[..., tuple[str, str]]
) -> None:
    whole = write_seg(tmp_path / "a.dcm", series, parts(image)).read_bytes()
    for length in (140, 400, len(whole) - 20):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        assert refused(tmp_path / "cut.dcm")[0] == "LABEL_UNREADABLE"
    assert refused(series.files[0]) == (
        "LABEL_UNREADABLE",
        "the mask is DICOM, but no whole segmentation or structure set",
    )


@pytest.mark.parametrize("name", ["liver", "liver_nonbyte_aligned", "liver_j2k"])
def test_encodings_of_real_segmentations_are_read(name: str, testdata: Callable[[str], Path], tmp_path: Path) -> None:
    file = testdata(f"dicom_edge/pydicom-data/{name}.dcm")
    seg = dcmread(file)
    stack = Stack(rows=512, columns=512, slices=3, step=1.0, spacing=(0.810547,) * 2, origin=(-235.2, -226.8, -128.69))
    images = make_slices(stack)
    for image, own in zip(images, seg.PerFrameFunctionalGroupsSequence, strict=True):
        image.StudyInstanceUID, image.FrameOfReferenceUID = seg.StudyInstanceUID, seg.FrameOfReferenceUID
        image.SeriesInstanceUID = seg.ReferencedSeriesSequence[0].SeriesInstanceUID
        source = own.DerivationImageSequence[0].SourceImageSequence[0]
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = source.ReferencedSOPInstanceUID
    (series,) = scan(write_slices(tmp_path / "dicom", images))
    label = {"key": "label", "values": {"0": "background", "1": "liver"}}
    assert int(read_label_map((file,), series, Volume.of(series), label).sum()) == 107098


@pytest.mark.parametrize("name", ["liver_rle", "liver_deflate"])
def test_encodings_that_highdicom_cannot_decode_are_refused(
    name: str, testdata: Callable[[str], Path], series: Series, image: Volume
) -> None:
    file = testdata(f"dicom_edge/pydicom-data/{name}.dcm")
    own = dcmread(file).PerFrameFunctionalGroupsSequence[0]
    source = own.DerivationImageSequence[0].SourceImageSequence[0]
    series.headers[0].SOPInstanceUID = source.ReferencedSOPInstanceUID  # as if it had been drawn on it
    with pytest.raises(RefusedError, match="LABEL_UNREADABLE"):
        read_segmentation(file, series, image, {"values": {"1": "liver"}})


def test_real_binary_overlapping_and_fractional_segments(testdata: Callable[[str], Path]) -> None:
    folder = testdata("dicom_edge/highdicom")
    ct = Path(str(get_testdata_file("dicomdirtests/77654033/CT2/17166", download=False))).parent
    slices = [(dcmread(file), file) for file in ct.iterdir()]
    series = Series.of([(header, file, None) for header, file in slices if header.ImagePositionPatient[2] > 0])
    image = Volume.of(series)
    label = {"key": "label", "values": {"0": "background", "1": "first segment", "2": "second segment"}}
    label |= {"priority": ["2", "1"], "fractional_threshold": 0.5}

    def counts(name: str, **more: Any) -> list[list[int]]:
        found = read_label_map((folder / f"seg_image_ct_{name}.dcm",), series, image, label | more)
        return [np.bincount(plane.ravel(), minlength=3)[1:].tolist() for plane in found]

    assert counts("binary") == counts("binary_fractional") == [[127, 0], [256, 0], [255, 0]]
    stored = dcmread(folder / "seg_image_ct_true_fractional.dcm").pixel_array
    halves = [[int(np.count_nonzero(plane >= 127.5)), 0] for plane in stored]
    assert counts("true_fractional") == halves
    assert counts("true_fractional", fractional_threshold=0.9) == [
        [int(np.count_nonzero(plane >= 229.5)), 0] for plane in stored
    ]
    with pytest.raises(RefusedError, match="drawn on 1 images that the series lacks"):
        counts("binary_overlap")  # has frames on the slice that lies 200 mm apart from the others
