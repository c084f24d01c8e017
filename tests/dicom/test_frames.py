"""Frames of real enhanced images of two vendors lie and weigh as dcm2niix says; damaged ones are refused."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import pixel_array
from samples.dicom_series import make_slices, write_slices
from samples.multi_frame import multi_frame

from fedbundle.dicom.frames import frames_of
from fedbundle.dicom.gate.verdict import candidates, examine
from fedbundle.dicom.header import number, text
from fedbundle.dicom.pixels.volume import LPS_TO_RAS, Volume
from fedbundle.dicom.series import scan
from fedbundle.errors import DicomError

SIEMENS, PHILIPS = "dicom_edge/dcm_qa_enh/In/Siemens", "dicom_edge/dcm_qa_enh/In/Philips"


def volume_of(folder: Path, role: dict[str, Any]) -> Volume:
    (series,) = scan(folder)
    (fitting,) = [volume for volume, verdict in candidates(series, {"modality": "MR"} | role) if verdict.used]
    return Volume.of(fitting)


def dcm2niix(folder: Path, out: Path) -> dict[str, nibabel.Nifti1Image]:
    """What dcm2niix makes of it, by name; its values are those of the rescale (`-p n`)."""
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix (Debian package) is not installed")
    subprocess.run(
        [program, "-p", "n", "-b", "n", "-f", "x", "-o", str(out), str(folder)], capture_output=True, check=True
    )
    return {path.stem: nibabel.load(path) for path in out.glob("*.nii")}


def same_voxels(volume: Volume, image: nibabel.Nifti1Image, time: int | None = None) -> bool:
    """The oracle's voxels have the same values where its own affine puts them."""
    found = np.asarray(image.dataobj, dtype=np.float64)
    found = found if time is None else found[..., time]
    to_ours = np.linalg.inv(LPS_TO_RAS @ volume.affine) @ image.affine
    indices = np.stack([*np.indices(found.shape), np.ones(found.shape)], axis=-1) @ to_ours.T
    i, j, k = np.moveaxis(np.rint(indices[..., :3]).astype(int), -1, 0)
    assert np.abs(indices[..., :3] - np.stack([i, j, k], axis=-1)).max() < 1e-3  # voxels, so 4 um
    return bool(np.allclose(volume.array[k, j, i], found, rtol=1e-5, atol=1e-3))


@pytest.mark.parametrize("time", [1, 2, 3, 4])
def test_siemens_times_lie_and_weigh_as_dcm2niix_says(
    time: int, testdata: Callable[[str], Path], tmp_path: Path
) -> None:
    volume = volume_of(testdata(SIEMENS), {"temporal_position": time})
    assert volume.array.shape == (6, 64, 64)
    assert volume.spacing == pytest.approx((3.375, 3.375, 2.4), abs=1e-4)
    assert same_voxels(volume, dcm2niix(testdata(SIEMENS), tmp_path)["x"], time - 1)


@pytest.mark.parametrize(("kind", "name"), [("M", "x_e1"), ("FIELD_MAP", "x_e2_fieldmaphz")])
def test_philips_kinds_lie_and_weigh_as_dcm2niix_says(
    kind: str, name: str, testdata: Callable[[str], Path], tmp_path: Path
) -> None:
    volume = volume_of(testdata(PHILIPS), {"split": ["image_type"], "image_type": {"any": [kind]}})
    assert volume.array.shape == (32, 64, 64)
    assert same_voxels(volume, dcm2niix(testdata(PHILIPS), tmp_path)[name])


def test_without_a_rule_a_real_4_d_is_refused_by_name(testdata: Callable[[str], Path]) -> None:
    (siemens,), (philips,) = scan(testdata(SIEMENS)), scan(testdata(PHILIPS))
    assert examine(siemens).code == "MULTI_TIME"
    assert examine(philips).code == "MULTI_ECHO"  # the field map has none


def test_a_frame_has_the_header_of_a_single_frame_image(testdata: Callable[[str], Path]) -> None:
    (series,) = scan(testdata(PHILIPS))
    header = series.headers[0]
    assert series.frames[0] is not None
    assert number(header, "RescaleSlope") == pytest.approx(1.27985, abs=1e-5)
    assert number(header, "EchoTime") == pytest.approx(1.52)
    assert number(header, "RepetitionTime") == pytest.approx(3.8045, abs=1e-4)
    assert text(header, "ScanningSequence") == "GR"


def test_an_enhanced_ct_is_read_frame_by_frame(testdata: Callable[[str], Path]) -> None:
    file = testdata("dicom_edge/pydicom-data/eCT_Supplemental.dcm")
    frames = frames_of(dcmread(file, stop_before_pixels=True), file)
    assert [(index, float(header.ImagePositionPatient[2])) for header, index in frames] == [(0, -159.0), (1, -149.0)]
    stored = pixel_array(file)
    volume = Volume.read([file])
    assert np.array_equal(volume.array, stored[::-1] - 1024.0)  # its normal points to the feet
    assert volume.spacing[2] == pytest.approx(10)


def test_real_frames_without_functional_groups_are_refused(testdata: Callable[[str], Path], tmp_path: Path) -> None:
    for file in testdata("dicom_edge/pydicom-data").glob("emri_small*.dcm"):
        folder = tmp_path / file.stem
        folder.mkdir()
        shutil.copy(file, folder)
        (series,) = scan(folder)
        assert examine(series).code == "MULTI_FRAME"


@pytest.mark.parametrize("encoding", ["RLE", "jpeg_2k_lossless", "jpeg_ls_lossless"])
def test_compressed_frames_are_those_of_the_raw_file(
    encoding: str, testdata: Callable[[str], Path], tmp_path: Path
) -> None:
    found = []
    for name in ("emri_small", f"emri_small_{encoding}"):
        image = dcmread(testdata(f"dicom_edge/pydicom-data/{name}.dcm"))
        groups = multi_frame(make_slices()[:10])
        for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
            image[sequence] = groups[sequence]
        image.save_as(tmp_path / name)
        found.append(Volume.read([tmp_path / name]).array)
    assert np.array_equal(*found)
    assert found[0].any()


def test_frames_that_are_cut_off_are_refused(testdata: Callable[[str], Path], tmp_path: Path) -> None:
    image = dcmread(testdata("dicom_edge/pydicom-data/emri_small_jpeg_2k_lossless.dcm"))
    groups = multi_frame(make_slices()[:10])
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        image[sequence] = groups[sequence]
    image.save_as(tmp_path / "short")
    whole = (tmp_path / "short").read_bytes()
    (tmp_path / "short").write_bytes(whole[: -len(image.PixelData) // 2])
    with pytest.raises(DicomError, match="pixels must be readable"):
        Volume.read([tmp_path / "short"])


def test_an_absurd_number_of_frames_is_no_traceback(tmp_path: Path) -> None:
    image = multi_frame(make_slices())
    image.NumberOfFrames = 2**31 - 1
    (series,) = scan(write_slices(tmp_path, [image]))
    assert examine(series).code == "MULTI_FRAME"
