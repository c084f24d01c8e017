"""Headers of plain files: what the fast reader gives is what pydicom gives, element by element, or nothing at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from samples.dicom_series import make_slices

from fedbundle.dicom.header import tolerant
from fedbundle.dicom.plain import read_plain
from fedbundle.dicom.series import DEFERRED, START

FOLDERS = ("brain_mr", "deid", "dicom_edge", "hip_xray", "pet_ct", "prostate_mr")
FEW = 60  # files of a folder


def ours(path: Path) -> Dataset | None:
    with path.open("rb") as file:
        return read_plain(path, file.read(START), DEFERRED)


def assert_same(found: Dataset, path: Path) -> None:
    """Every element and all that pydicom remembers of a file."""
    expected = dcmread(path, stop_before_pixels=True, defer_size=DEFERRED, force=True)
    for one, other in ((found.file_meta, expected.file_meta), (found, expected)):
        assert list(one.keys()) == list(other.keys())
        assert one.original_encoding == other.original_encoding
        assert one.original_character_set == other.original_character_set
        assert str(one) == str(other)
    for name in ("preamble", "filename", "timestamp", "fileobj_type"):
        assert getattr(found, name) == getattr(expected, name)


def as_it_is(_: Dataset) -> None:
    pass


def implicit(image: Dataset) -> None:
    image.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian


def with_character_set(image: Dataset) -> None:
    image.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    image.PatientName = "Yamada^Tarou=山田^太郎"


def with_long_element(image: Dataset) -> None:
    image.add_new(0x00291010, "OB", bytes(range(256)) * 40)


def with_sequences(image: Dataset) -> None:
    """Of undefined length, items as well, one inside the other, text in two character sets."""
    inner, outer = Dataset(), Dataset()
    inner.CodeMeaning = "Größe"
    outer.SpecificCharacterSet, outer.PurposeOfReferenceCodeSequence = "ISO_IR 192", Sequence([inner])
    image.SpecificCharacterSet, image.ReferencedImageSequence = "ISO_IR 100", Sequence([outer, Dataset()])
    for item in (inner, outer):
        item.is_undefined_length_sequence_item = True
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    image["ReferencedImageSequence"].is_undefined_length = True


def empty_elements(image: Dataset) -> None:
    image.PatientName, image.PatientID, image.StudyDate, image.RescaleSlope = "", "", "", None
    image.ReferencedImageSequence = Sequence()


KINDS = [as_it_is, implicit, with_character_set, with_long_element, with_sequences, empty_elements]


@pytest.mark.parametrize("change", KINDS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("encoding", [as_it_is, implicit], ids=["explicit", "implicit"])
def test_a_plain_file_gives_what_pydicom_gives(
    change: Callable[[Dataset], None], encoding: Callable[[Dataset], None], tmp_path: Path
) -> None:
    image = make_slices()[0]
    change(image)
    encoding(image)
    image.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    found = ours(tmp_path / "image.dcm")
    assert found is not None
    assert_same(found, tmp_path / "image.dcm")


@pytest.mark.parametrize("name", FOLDERS)
def test_real_files_give_what_pydicom_gives(testdata: Callable[[str], Path], name: str) -> None:
    files = sorted(file for file in testdata(name).rglob("*") if file.is_file())
    plain = 0
    with tolerant():
        for file in files[:: max(1, len(files) // FEW)]:
            if (found := ours(file)) is not None:
                assert_same(found, file)
                plain += 1
    assert plain


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_bigendian.dcm",
        "image_dfl.dcm",  # deflated
        "no_meta.dcm",
        "rtplan.dcm",  # no pixels
        "ExplVR_BigEndNoMeta.dcm",
        "meta_missing_tsyntax.dcm",
    ],
)
def test_what_is_not_plain_is_left_to_pydicom(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert path
    assert ours(Path(str(path))) is None


def test_a_header_that_goes_on_behind_the_first_block_is_left_to_pydicom(tmp_path: Path) -> None:
    image = make_slices()[0]
    for number in range(40):
        image.add_new(0x00291010 + number, "OB", bytes(DEFERRED // 2))
    image.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    assert ours(tmp_path / "image.dcm") is None


def test_no_damage_gives_another_header_than_pydicom(tmp_path: Path) -> None:
    """Every byte of the first kilobyte turned, and the file cut there: the same header, or pydicom's own verdict."""
    image = make_slices()[0]
    with_sequences(image)
    image.save_as(tmp_path / "whole.dcm", enforce_file_format=True)
    content = (tmp_path / "whole.dcm").read_bytes()
    damaged = tmp_path / "damaged.dcm"
    found = 0
    with tolerant():
        for place in range(128, 1024, 3):
            turned = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
            for broken in (turned, content[:place]):
                damaged.write_bytes(broken)
                os.utime(damaged, (0, 0))
                if (header := ours(damaged)) is not None:
                    assert_same_bytes(header, damaged)
                    found += 1
    assert found  # many a byte is text


def assert_same_bytes(header: Dataset, path: Path) -> None:
    """The same elements; some of them cannot be decoded."""
    expected = dcmread(path, stop_before_pixels=True, defer_size=DEFERRED, force=True)
    assert list(header.keys()) == list(expected.keys())
    for tag in header.keys():  # noqa: SIM118 -- iterating decodes
        one, other = header.get_item(tag), expected.get_item(tag)
        assert one == other or header[tag] == expected[tag]
