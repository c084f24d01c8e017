"""Series are found whatever their files are called, and sorted along their normal."""

import os
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import MediaStorageDirectoryStorage
from samples.dicom_series import Stack, make_slices, write_slices

from fedbundle.dicom.series import scan, survey
from fedbundle.errors import InputError


def test_series_are_grouped_by_uid_and_sorted_along_the_normal(tmp_path: Path) -> None:
    slices = make_slices(Stack(turn=(20, 10, 5))) + make_slices(Stack(number=2, slices=5))
    slices = slices[::2] + slices[-2::-2]
    for number, image in enumerate(slices):
        image.InstanceNumber = 99 - number
    write_slices(tmp_path, slices)
    found = scan(tmp_path)
    assert sorted(len(series.files) for series in found) == [5, 12]
    for series in found:
        along = [float(np.array(place.position) @ series.planes[0].normal) for place in series.planes]
        assert along == sorted(along)


def test_other_files_are_skipped_and_damaged_ones_counted(tmp_path: Path) -> None:
    write_slices(tmp_path / "deep" / "er", make_slices())
    (tmp_path / "notes.dcm").write_text("no DICOM")
    (tmp_path / "empty").touch()
    (tmp_path / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = survey(tmp_path)
    assert (len(found.series), found.files, found.skipped) == (1, 16, 1)
    assert [path.name for path in found.damaged] == ["broken", "dangling", "empty"]
    assert found.damage() == {}  # nothing tells whose they were


def test_a_damaged_file_belongs_to_the_only_study_beside_it(tmp_path: Path) -> None:
    slices = make_slices()
    (tmp_path / "deep").mkdir()
    (write_slices(tmp_path / "study", slices) / "cut").touch()
    (tmp_path / "deep" / "cut").touch()
    assert survey(tmp_path).damage() == {slices[0].StudyInstanceUID: 1}


def test_a_pipe_in_the_folder_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_slices(tmp_path / "series", make_slices())
    assert survey(tmp_path).files == 12


def test_files_without_preamble_are_read(tmp_path: Path) -> None:
    for number, image in enumerate(make_slices()):
        image.file_meta = FileMetaDataset()
        image.save_as(tmp_path / f"{number}.ima", implicit_vr=True, little_endian=True)
    (series,) = scan(tmp_path)
    assert len(series.files) == 12


def test_a_dicomdir_is_no_series(tmp_path: Path) -> None:
    (directory, *slices) = make_slices()
    directory.SOPClassUID = directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    write_slices(tmp_path, [directory, *slices])
    found = survey(tmp_path)
    assert (found.skipped, len(found.series[0].files)) == (1, 11)


def test_headers_hold_no_pixels(tmp_path: Path) -> None:
    (series,) = scan(write_slices(tmp_path, make_slices()))
    assert all("PixelData" not in header for header in series.headers)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="DICOM folder must be a folder that is there"):
        survey(tmp_path / "nowhere")
