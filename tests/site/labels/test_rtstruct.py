"""Contours become the masks they outline: analytic volumes, holes, traced masks, a real bladder; or are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from pydicom import dcmread
from samples.dicom_series import Stack, make_slices, write_slices
from samples.label_objects import circle, outline, write_rtstruct

from fedbundle.dicom.header import tolerant
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series, scan
from fedbundle.site.labels.label_map import read_label_map
from fedbundle.site.labels.rtstruct import filled
from fedbundle.site.refusal import RefusedError

LABEL = {"key": "label", "values": {"0": "background", "1": "bladder"}}
STACK = Stack(rows=64, columns=60, slices=24, spacing=(1.1, 1.1), step=1.1, turn=(18, -7, 3))


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """An oblique series of cubic voxels."""
    (found,) = scan(write_slices(tmp_path / "dicom", make_slices(STACK)))
    return found


@pytest.fixture
def image(series: Series) -> Volume:
    """Its volume."""
    return Volume.of(series)


@pytest.fixture
def drawn(series: Series, image: Volume, tmp_path: Path) -> Callable[..., NDArray[np.uint8]]:
    """The label map of a structure set with these contours of a bladder."""

    def read(*contours: NDArray[np.float64]) -> NDArray[np.uint8]:
        path = write_rtstruct(tmp_path / "rs.dcm", series, {"Bladder": contours, "another": [contours[0]]})
        return read_label_map((path,), series, image, LABEL)

    return read


def refusal(read: Callable[[], Any]) -> tuple[str, str]:
    """Code and detail."""
    with pytest.raises(RefusedError) as caught:
        read()
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize("centre", [(30.0, 31.0), (30.5, 31.25), (29.7, 30.9)])
def test_a_sphere_and_a_cylinder_have_their_volume(
    centre: tuple[float, float], image: Volume, drawn: Callable[..., NDArray[np.uint8]]
) -> None:
    radius, middle = 9.6, 11.5
    places = [number for number in range(24) if abs(number - middle) < radius]
    sphere = drawn(*(circle(image, n, centre, float(np.sqrt(radius**2 - (n - middle) ** 2))) for n in places))
    assert sphere.sum() == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)
    where = np.argwhere(sphere).mean(axis=0)
    assert where == pytest.approx([middle, centre[1], centre[0]], abs=0.05)
    cylinder = drawn(*(circle(image, n, centre, radius) for n in range(5, 15)))
    assert cylinder.sum() == pytest.approx(10 * np.pi * radius**2, rel=0.02)


def test_contours_inside_others_are_holes_and_those_beside_are_added(
    image: Volume, drawn: Callable[..., NDArray[np.uint8]]
) -> None:
    ring = drawn(circle(image, 4, (20, 30), 12.3), circle(image, 4, (20, 30), 6.3), circle(image, 4, (45, 30), 5.3))
    rows, columns = np.mgrid[:64, :60]
    away, beside = np.hypot(columns - 20, rows - 30), np.hypot(columns - 45, rows - 30)
    assert np.array_equal(ring[4] > 0, ((away < 12.3) & (away > 6.3)) | (beside < 5.3))
    assert ring.sum() == ring[4].sum()


def test_an_outline_traced_on_voxel_centres_gives_its_mask_back(
    image: Volume, drawn: Callable[..., NDArray[np.uint8]]
) -> None:
    steps = [(10, 8), (14, 8), (14, 12), (18, 12), (18, 20), (10, 20)]
    found = drawn(outline(image, 3, steps), outline(image, 3, [(40, 40)]), outline(image, 3, [(50, 9), (50, 11)]))
    wanted = np.zeros((64, 60), np.uint8)
    wanted[8:21, 10:15] = wanted[12:21, 10:19] = wanted[40, 40] = wanted[9:12, 50] = 1
    assert np.array_equal(found[3], wanted)


def test_random_outlines_are_filled_as_matplotlib_fills_them() -> None:
    rng = np.random.default_rng(7)
    centres = np.stack(np.meshgrid(np.arange(30), np.arange(40)), axis=-1).reshape(-1, 2)
    for corners in (3, 5, 12, 40):
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(4, 18, corners)
        polygon = np.column_stack([14.37 + reach * np.cos(angles), 19.61 + reach * np.sin(angles)])
        wanted = Outline(polygon).contains_points(centres).reshape(40, 30)
        assert np.count_nonzero(filled([polygon], (40, 30)) != wanted) == 0


def test_contours_that_do_not_lie_on_the_image_are_refused(
    image: Volume, drawn: Callable[..., NDArray[np.uint8]]
) -> None:
    good, beyond = circle(image, 22, (30, 30), 5.0), circle(image, 24, (30, 30), 5.0)
    told = "2 of 3 contours lie on slices that the image lacks"
    between = circle(image, 12.5, (30, 30), 5.0)
    assert refusal(lambda: drawn(good, beyond, between)) == ("LABEL_GEOMETRY", told)
    upright = image.affine[:3, 3] + np.array([[0, 0, 0], [9, 0, 0], [9, 9, 9.0]]) @ image.affine[:3, :3].T
    assert refusal(lambda: drawn(upright)) == ("LABEL_GEOMETRY", "a contour does not lie in a slice of the image")
    wide = circle(image, 3, (3, 30), 5.0)
    assert refusal(lambda: drawn(wide)) == ("LABEL_GEOMETRY", "a contour runs outside the image")
    told = "a contour stands there twice, and by the even-odd rule the two cancel"
    assert refusal(lambda: drawn(good, good)) == ("LABEL_GEOMETRY", told)
    comb = [circle(image, number, (30, 30), 5.0) for number in (2, 4, 6)]
    assert refusal(lambda: drawn(*comb)) == ("LABEL_GEOMETRY", "its contours lie 2 slices of the image apart")


def test_a_region_in_another_frame_of_reference_is_refused(series: Series, image: Volume, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", series, {"bladder": [circle(image, 4, (30, 30), 5.0)]})
    file = dcmread(path)
    file.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3"
    file.save_as(path)
    told = ("LABEL_REFERENCE", "a region lies in another frame of reference")
    assert refusal(lambda: read_label_map((path,), series, image, LABEL)) == told


def test_hostile_contours_are_refused(series: Series, image: Volume, tmp_path: Path) -> None:
    path = write_rtstruct(tmp_path / "rs.dcm", series, {"bladder": [circle(image, 4, (30, 30), 5.0)]})
    for data, told in (
        (["1", "2"], "no numbers"),
        (["nan", "0", "0"], "within 100000 mm"),
        (["1e300", "0", "0"], "within 100000 mm"),
        (None, "no numbers"),
    ):
        file = dcmread(path)
        with tolerant():
            file.ROIContourSequence[0].ContourSequence[0].ContourData = data
            file.save_as(tmp_path / "bad.dcm")
        code, detail = refusal(lambda: read_label_map((tmp_path / "bad.dcm",), series, image, LABEL))
        assert code == "LABEL_UNREADABLE" and told in detail
    file = dcmread(path)
    file.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "OPEN_PLANAR"
    file.save_as(tmp_path / "bad.dcm")
    code, _ = refusal(lambda: read_label_map((tmp_path / "bad.dcm",), series, image, LABEL))
    assert code == "LABEL_GEOMETRY"
    whole = path.read_bytes()
    for length in (200, len(whole) - 30):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        code, _ = refusal(lambda: read_label_map((tmp_path / "cut.dcm",), series, image, LABEL))
        assert code in ("LABEL_UNREADABLE", "LABEL_GEOMETRY")


def test_the_real_bladder_has_its_volume_and_the_cut_femur_is_refused(testdata: Callable[[str], Path]) -> None:
    path = testdata("pet_ct/CCTH-A01_RTSTRUCT.dcm")
    (series,) = scan(testdata("pet_ct/CCTH-A01_CT_pelvis"))
    image = Volume.of(series)

    def read(name: str) -> NDArray[np.uint8]:
        label = {"key": "label", "values": {"0": "background", "1": "organ"}, "segments": {"1": {"names": [name]}}}
        return read_label_map((path,), series, image, label)

    bladder = read("urinary bladder")
    assert bladder.sum() * 0.935547**2 * 2.5 / 1000 == pytest.approx(76.70, abs=0.01)  # mL
    file = dcmread(path)
    (roi,) = [item.ROINumber for item in file.StructureSetROISequence if item.ROIName == "urinary_bladder"]
    (contours,) = [item.ContourSequence for item in file.ROIContourSequence if item.ReferencedROINumber == roi]
    rows, columns = np.mgrid[150:310, 160:320]
    centres = np.column_stack([columns.ravel() * 0.935547 - 239.5, rows.ravel() * 0.935547 - 239.5])
    for contour in contours:  # matplotlib decides by winding: another program, another rule
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        closed = Outline(np.vstack([points[:, :2], points[:1, :2]]), closed=True)
        inside = closed.contains_points(centres, radius=1e-3) | closed.contains_points(centres, radius=-1e-3)
        found = bladder[round((points[0, 2] - image.affine[2, 3]) / 2.5)]
        assert np.array_equal(found[150:310, 160:320].ravel() > 0, inside) and found.sum() == inside.sum()
    for name in ("femur_left", "liver"):
        code, detail = refusal(lambda name=name: read(name))  # type: ignore[misc]
        assert code == "LABEL_GEOMETRY" and detail.endswith("contours lie on slices that the image lacks")
    assert refusal(lambda: read("prostate")) == ("LABEL_VALUES", "none of 10 structures is in the label set")
