"""Every readable transfer syntax gives the true pixels, and a frame that lacks a part of them is never half decoded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from samples.codestreams import DCT, ENCODERS, NATIVE, film_in, jpeg_lossless, noise, write_film
from samples.dicom_series import make_slices, write_slices
from samples.multi_frame import multi_frame

from fedbundle.dicom.gate.objects import READABLE
from fedbundle.dicom.gate.verdict import examine
from fedbundle.dicom.pixels.codestream import CHECKS, check_file
from fedbundle.dicom.pixels.jpeg_scan import ScanError, check_jpeg
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan
from fedbundle.errors import DicomError

END = b"\xff\xd9"  # end of image, and of a JPEG 2000 codestream


def read(folder: Path) -> NDArray[np.float32]:
    """The film in a folder, as ingest reads it."""
    (series,) = scan(folder)
    assert examine(series).used
    return Volume.of(series).array[0]


def put(folder: Path, syntax: str, change: Callable[[bytes], bytes]) -> Path:
    """Write a film whose codestream was changed, and return its folder."""
    film, _, _ = film_in(syntax)
    codestream = change(next(generate_frames(film.PixelData, number_of_frames=1)).rstrip(b"\x00"))
    film.PixelData = encapsulate([codestream + bytes(len(codestream) % 2)])
    write_film(film, folder / "film")
    return folder


@pytest.mark.parametrize("syntax", sorted(READABLE))
def test_each_transfer_syntax_gives_the_true_pixels(syntax: str, tmp_path: Path) -> None:
    film, pixels, error = film_in(syntax)
    write_film(film, tmp_path / "film")
    assert dcmread(tmp_path / "film").file_meta.TransferSyntaxUID == syntax
    assert np.abs(read(tmp_path) - pixels).max() <= error


def test_the_samples_are_of_all_syntaxes_and_all_compressed_ones_are_checked() -> None:
    assert {*ENCODERS, *DCT, *NATIVE} == READABLE
    assert set(CHECKS) == READABLE - set(NATIVE)


@pytest.mark.parametrize("syntax", [uid.MPEG2MPML, uid.MPEG4HP41])
def test_what_cannot_be_decoded_is_refused_with_its_syntax(syntax: str, tmp_path: Path) -> None:
    film, _, _ = film_in(uid.JPEGLosslessSV1)
    film.file_meta.TransferSyntaxUID = uid.UID(syntax)
    write_film(film, tmp_path / "film")
    (series,) = scan(tmp_path)
    verdict = examine(series)
    assert (verdict.code, verdict.detail) == ("UNKNOWN_TRANSFER_SYNTAX", f"{syntax} cannot be decoded")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda stream: stream[: len(stream) // 2],
    "half, ended": lambda stream: stream[: len(stream) // 2] + END,
    "all but the end": lambda stream: stream[:-12],
    "a gap": lambda stream: stream[: len(stream) // 2] + stream[len(stream) // 2 + 60 :],
    "header only": lambda stream: stream[:40],
    "nothing": lambda _: bytes(2),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("syntax", sorted(CHECKS))
def test_a_codestream_that_lacks_a_part_is_refused(syntax: str, damage: str, tmp_path: Path) -> None:
    with pytest.raises(DicomError, match="pixels must be readable"):
        read(put(tmp_path, syntax, DAMAGE[damage]))


@pytest.mark.parametrize("syntax", sorted(CHECKS))
def test_a_file_cut_off_inside_its_pixels_is_refused(syntax: str, tmp_path: Path) -> None:
    file = put(tmp_path, syntax, bytes) / "film"
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(DicomError, match="pixels must be readable"):
        read(tmp_path)


@pytest.mark.parametrize("syntax", sorted(CHECKS))
def test_a_codestream_of_another_size_is_refused(syntax: str, tmp_path: Path) -> None:
    film, _, _ = film_in(syntax)
    film.Rows += 8
    write_film(film, tmp_path / "film")
    with pytest.raises(DicomError, match="pixels must be readable"):
        read(tmp_path)


def test_gaps_anywhere_in_a_jpeg_are_seen() -> None:
    stream = jpeg_lossless(noise(64, 64))
    check_jpeg(stream, 64, 64)
    for place in range(200, len(stream) - 60, 97):
        with pytest.raises(ScanError):
            check_jpeg(stream[:place] + stream[place + 50 :], 64, 64)


def test_a_damaged_frame_among_many_is_refused(tmp_path: Path) -> None:
    enhanced = multi_frame(make_slices())
    enhanced.compress(uid.RLELossless)
    frames = list(generate_frames(enhanced.PixelData, number_of_frames=12))
    (series,) = scan(write_slices(tmp_path, [enhanced]))
    whole = Volume.of(series).array
    assert whole.shape == (12, 12, 10)
    frames[7] = frames[7][:-20]
    enhanced.PixelData = encapsulate(frames)
    (series,) = scan(write_slices(tmp_path, [enhanced]))
    with pytest.raises(DicomError, match="pixels must be readable"):
        Volume.of(series)


def test_sound_real_files_of_jpeg_ls_pass() -> None:
    for name in ("JPEGLSNearLossless_08", "JPEGLSNearLossless_16", "SC_rgb_jls_lossy_line", "SC_rgb_jls_lossy_sample"):
        check_file(Path(str(get_testdata_file(f"{name}.dcm", download=False))))


@pytest.mark.parametrize("name", ["RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "implicit"])
def test_real_files_give_the_pixels_of_their_uncompressed_original(name: str) -> None:
    original, encoded = (
        Path(str(get_testdata_file(f"MR_small{kind}.dcm", download=False))) for kind in ("", f"_{name}")
    )
    assert np.array_equal(Volume.read([encoded]).array[0], dcmread(original).pixel_array)


REAL = """JPEG-lossy JPEG2000 JPGExtended J2K_pixelrep_mismatch
SC_jpeg_no_color_transform SC_rgb_dcmtk_+eb+cr SC_rgb_dcmtk_+eb+cy+n1 SC_rgb_dcmtk_+eb+cy+n2 SC_rgb_dcmtk_+eb+cy+np
SC_rgb_dcmtk_+eb+cy+s2 SC_rgb_dcmtk_+eb+cy+s4 SC_rgb_jpeg_gdcm SC_rgb_jpeg_lossy_gdcm
SC_rgb_small_odd_jpeg SC_rgb_rle SC_rgb_rle_16bit_2frame SC_rgb_rle_32bit examples_ybr_color
examples_jpeg2k rtdose_rle"""


@pytest.mark.parametrize("name", REAL.split())
def test_sound_real_files_pass_and_fail_without_their_end(name: str, tmp_path: Path) -> None:
    file = Path(str(get_testdata_file(f"{name}.dcm", download=False)))
    check_file(file)
    image = dcmread(file)
    frames = list(generate_frames(image.PixelData, number_of_frames=int(image.get("NumberOfFrames", 1))))
    frames[-1] = frames[-1][: -max(8, len(frames[-1]) // 50)] + END
    image.PixelData = encapsulate(frames)
    image.save_as(tmp_path / "cut")
    with pytest.raises(ValueError):
        check_file(tmp_path / "cut")


def test_a_real_ct_in_jpeg_2000_against_its_original(testdata: Callable[[str], Path]) -> None:
    folder = testdata("dicom_edge/pydicom-data")
    assert np.array_equal(Volume.read([folder / "693_J2KR.dcm"]).array, Volume.read([folder / "693_UNCR.dcm"]).array)
