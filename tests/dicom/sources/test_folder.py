"""A folder as a source: every file is read, and what a DICOMDIR lists and is not there is noticed."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet
from samples.dicom_series import Stack, make_slices, write_slices

from fedbundle.dicom.sources.announced import Announced, shortfall
from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import InputError


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Two studies as a CD holds them."""
    files = FileSet()
    for study in (1, 2):
        for image in make_slices(Stack(study=study)):
            files.add(image)
    files.write(tmp_path / "disc")
    files._stage["t"].cleanup()  # it would warn when garbage collection does it
    return tmp_path / "disc"


def image_of(disc: Path, study: int, index: int) -> Path:
    """File of a slice."""
    uid = make_slices(Stack(study=study))[index].SOPInstanceUID
    files = (path for path in disc.rglob("IM*") if path.is_file())
    return next(path for path in files if dcmread(path, stop_before_pixels=True).SOPInstanceUID == uid)


def test_a_whole_disc_is_as_listed(disc: Path) -> None:
    arrivals = Folder(disc).arrivals(disc)
    assert [arrival.study_uid for arrival in arrivals] == [Stack(study=study).study_uid for study in (1, 2)]
    for arrival in arrivals:
        told = arrival.announced() or {}
        assert list(told.values()) == [Announced("MR", 12)]
        with arrival.fetch() as found:
            assert shortfall(found.series, told) == {}


def test_a_listed_file_that_is_absent_is_noticed_under_whatever_name(disc: Path) -> None:
    image_of(disc, 1, 11).unlink()
    image_of(disc, 2, 3).rename(disc / "renamed by someone")
    first, second = Folder(disc).arrivals(disc)
    with first.fetch() as found:
        assert list(shortfall(found.series, first.announced() or {}).values()) == [
            "11 instances arrived, the source has 12"
        ]
    with second.fetch() as found:
        assert shortfall(found.series, second.announced() or {}) == {}


def test_one_file_added_does_not_hide_one_lost(disc: Path) -> None:
    image_of(disc, 1, 11).unlink()
    write_slices(disc / "added", make_slices(Stack(slices=13))[12:])
    first, _ = Folder(disc).arrivals(disc)
    with first.fetch() as found:
        assert len(found.series[0].files) == 12
        assert len(shortfall(found.series, first.announced() or {})) == 1


def test_a_study_of_which_only_the_list_is_there_arrives_empty(disc: Path) -> None:
    for index in range(12):
        image_of(disc, 2, index).unlink()
    _, second = Folder(disc).arrivals(disc)
    with second.fetch() as found:
        assert found.series == []
    assert len(second.announced() or {}) == 1


def test_a_list_that_runs_in_a_circle_ends(disc: Path) -> None:
    directory = dcmread(disc / "DICOMDIR")
    for record in directory.DirectoryRecordSequence:
        record.OffsetOfTheNextDirectoryRecord = directory.DirectoryRecordSequence[0].seq_item_tell
    directory.save_as(disc / "DICOMDIR")
    assert len(Folder(disc).arrivals(disc)) == 2


def test_a_damaged_list_is_told(disc: Path) -> None:
    whole = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(whole.replace(b"\x04\x00\x20\x12SQ", b"\x04\x00\x21\x12SQ"))
    with pytest.raises(InputError, match="DICOMDIR must be readable"):
        Folder(disc).check(disc.parent / "dataset")


@pytest.mark.parametrize("most_kept", [0, 5, 12, 30])
def test_headers_that_were_not_kept_are_read_again(disc: Path, most_kept: int) -> None:
    image_of(disc, 1, 11).write_bytes(b"")
    folder, whole = Folder(disc, most_kept), Folder(disc)
    for arrival, other in zip(folder.arrivals(disc), whole.arrivals(disc), strict=True):
        assert arrival.announced() == other.announced()
        with arrival.fetch() as found, other.fetch() as expected:
            assert [series.files for series in found.series] == [series.files for series in expected.series]
            assert (found.files, found.damaged) == (expected.files, expected.damaged)
    assert sum(len(files.kept or []) for files in folder.studies.values()) == 0  # let go


def test_a_file_that_goes_before_its_study_has_its_turn_is_damaged(disc: Path) -> None:
    first, _ = Folder(disc, 0).arrivals(disc)
    image_of(disc, 1, 11).unlink()
    with first.fetch() as found:
        assert len(found.damaged) == 1


def test_without_a_list_nothing_is_announced(tmp_path: Path) -> None:
    write_slices(tmp_path / "a", make_slices())
    (arrival,) = Folder(tmp_path).arrivals(tmp_path)
    assert arrival.announced() == {}
