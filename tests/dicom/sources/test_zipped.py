"""A zip as a source: unpacked under numbers within bounds; hostile ones are refused before a byte is written."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from samples.dicom_series import Stack, make_slices, write_slices

from fedbundle.dicom.sources import zipped
from fedbundle.dicom.sources.folder import Folder
from fedbundle.dicom.sources.zipped import Zip
from fedbundle.errors import InputError, OutputError

Entries = list[tuple[zipfile.ZipInfo | str, bytes]]


def pack(path: Path, entries: Entries, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip; names may be absurd."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def slices(folder: Path, study: int = 1) -> list[bytes]:
    """Files of a series."""
    write_slices(folder, make_slices(Stack(study=study)))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def link(name: str) -> zipfile.ZipInfo:
    """An entry that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_studies_of_a_zip_arrive(tmp_path: Path, method: int) -> None:
    entries: Entries = [(f"a/{n}", content) for n, content in enumerate(slices(tmp_path / "1", 1))]
    entries += [(f"b/{n}.dcm", content) for n, content in enumerate(slices(tmp_path / "2", 2))]
    source = Zip(pack(tmp_path / "x.zip", [*entries, ("readme.txt", b"hello")], method))
    source.check(tmp_path / "dataset")
    (tmp_path / "spool").mkdir()
    arrivals = source.arrivals(tmp_path / "spool")
    assert [arrival.study_uid for arrival in arrivals] == [Stack(study=study).study_uid for study in (1, 2)]
    with arrivals[0].fetch() as found:
        assert [path.read_bytes() for path in found.series[0].files] == [content for _, content in entries[:12]]
    assert source.rest().skipped == 1


def test_absurd_names_are_never_written(tmp_path: Path) -> None:
    names = ["CON", "a\nb", "x" * 60_000, "\u202egnp.exe", ";rm -rf ~", "same", "same", ".", "a/./b", "\x1b[31m"]
    names += ["d/" * 9000 + "e", "~"]
    with pytest.warns(UserWarning, match="Duplicate name"):
        pack(tmp_path / "x.zip", list(zip(names, slices(tmp_path / "1"), strict=True)))
    source, spool = Zip(tmp_path / "x.zip"), tmp_path / "spool"
    source.check(tmp_path / "dataset")
    spool.mkdir()
    (arrival,) = source.arrivals(spool)
    with arrival.fetch() as found:
        assert len(found.series[0].files) == 12
    assert all(part.isdigit() for path in spool.rglob("*") for part in path.relative_to(spool).parts)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:\\x", "a\\..\\..\\x", "\\\\server\\x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    pack(tmp_path / "x.zip", [("a", b"a"), (name, b"b")])
    with pytest.raises(InputError, match="names that stay inside its folder, got 1") as caught:
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")
    assert name not in str(caught.value)


def test_links_are_refused(tmp_path: Path) -> None:
    pack(tmp_path / "x.zip", [(link("a"), b"/etc/passwd")])
    with pytest.raises(InputError, match="files and folders only, got 1 links"):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    pack(tmp_path / "x.zip", [(str(n), bytes(32 << 20)) for n in range(3)])
    assert (tmp_path / "x.zip").stat().st_size < 200_000
    with pytest.raises(InputError, match="at most 200 times its packed size, got 10"):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


@pytest.mark.parametrize(
    ("bound", "value", "rule"),
    [
        ("MOST_ENTRIES", 2, "at most 2 entries, got 3"),
        ("LARGEST_ENTRY", 2, "entries of at most 0 GiB"),
        ("LARGEST_TOTAL", 5, "at most 0 GiB unpacked"),
        ("LARGEST_DIRECTORY", 10, "directory must have at most 10 bytes, got "),
    ],
)
def test_the_bounds_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, rule: str) -> None:
    pack(tmp_path / "x.zip", [("a", b"aaa"), ("b", b"b"), ("c", b"cc")])
    monkeypatch.setattr(zipped, bound, value)
    with pytest.raises(InputError, match=rule):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    content = pack(tmp_path / "x.zip", [("a", bytes(range(256)) * 99)], zipfile.ZIP_STORED).read_bytes()
    start = content.index(b"PK\x01\x02")
    entry, end = content[start : content.index(b"PK\x05\x06")], bytearray(content[content.index(b"PK\x05\x06") :])
    struct.pack_into("<HHL", end, 8, 50, 50, 50 * len(entry))
    (tmp_path / "x.zip").write_bytes(content[:start] + 50 * entry + end)
    with pytest.raises(InputError, match="entries that do not overlap"):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


def test_a_directory_that_lies_gives_no_more_than_it_told(tmp_path: Path) -> None:
    entries: Entries = [("a", bytes(1 << 20)), *((f"{n}", c) for n, c in enumerate(slices(tmp_path / "1")))]
    content = bytearray(pack(tmp_path / "x.zip", entries).read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, 7)  # of 1 MiB
    (tmp_path / "x.zip").write_bytes(content)
    source, spool = Zip(tmp_path / "x.zip"), tmp_path / "spool"
    source.check(tmp_path / "dataset")
    spool.mkdir()
    (arrival,) = source.arrivals(spool)
    assert sum(path.stat().st_size for path in spool.rglob("*") if path.is_file()) < 20_000
    with arrival.fetch() as found:
        assert len(found.damaged) == 1  # lies among its images, so the study is refused


def test_a_damaged_entry_is_a_damaged_file(tmp_path: Path) -> None:
    entries: Entries = [(f"s/{n}", c) for n, c in enumerate(slices(tmp_path / "1"))]
    content = bytearray(pack(tmp_path / "x.zip", entries, zipfile.ZIP_STORED).read_bytes())
    content[content.index(b"DICM") + 900] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(content)
    (tmp_path / "spool").mkdir()
    (arrival,) = Zip(tmp_path / "x.zip").arrivals(tmp_path / "spool")
    with arrival.fetch() as found:
        assert (len(found.series[0].files), len(found.damaged)) == (11, 1)


@pytest.mark.parametrize("damage", [b"", b"no zip at all", b"PK\x05\x06" + bytes(17), b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_told(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(damage)
    with pytest.raises(InputError, match="zip"):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


@pytest.mark.parametrize(("content", "told"), [(b"PK\3\4 cut", "damaged or incomplete"), (b"a text", "got no zip")])
def test_what_is_no_zip_and_what_is_half_of_one_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InputError, match=rf"{told}.*x\.zip"):
        Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


def test_a_folder_with_nothing_but_a_zip_is_told(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "x.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="give the zip itself"):
        Folder(tmp_path / "exports").check(tmp_path / "dataset")


def test_every_truncation_is_told_or_harmless(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/b", b"DICM" * 20)
    content = buffer.getvalue()
    for length in range(len(content)):
        (tmp_path / "x.zip").write_bytes(content[:length])
        with pytest.raises(InputError, match="must be a folder or a sound zip"):
            Zip(tmp_path / "x.zip").check(tmp_path / "dataset")


def test_a_zip_needs_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Zip(pack(tmp_path / "x.zip", [("a", b"a" * 99)]))
    monkeypatch.setattr(zipped.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 98}))
    with pytest.raises(OutputError, match="room for 99 bytes, got 98"):
        source.arrivals(tmp_path)
