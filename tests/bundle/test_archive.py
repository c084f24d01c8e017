"""Zips of bundles: the same bytes for the same files, and nothing trusted when one comes in."""

import stat
import zipfile
from pathlib import Path

import pytest
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.bundle.archive import pack, unpack
from fedbundle.bundle.digest import release_digest
from fedbundle.errors import BundleError, OutputError


def _zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def test_a_round_trip_keeps_every_byte(tmp_path: Path) -> None:
    root = write_tiny_bundle(tmp_path)
    pack(root, tmp_path / "b.zip")
    again = unpack(tmp_path / "b.zip", tmp_path / "out")
    assert again == tmp_path / "out" / "tiny_bundle"
    assert release_digest(again) == release_digest(root)


def test_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    first, second = write_tiny_bundle(tmp_path / "1"), write_tiny_bundle(tmp_path / "2")
    (second / "LICENSE").touch()
    (second / "LICENSE").chmod(0o600)
    pack(first, tmp_path / "1.zip")
    pack(second, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


@pytest.mark.parametrize(
    "entries",
    [
        {"b/../../evil": b"x"},
        {"../b/evil": b"x"},
        {"/b/evil": b"x"},
        {"b//evil": b"x"},
        {"b/./evil": b"x"},
        {"b\\evil": b"x"},
        {"C:/evil": b"x"},
        {"b/a\nb": b"x"},
        {"b/" + "n" * 300: b"x"},
        {"b/x": b"x", "c/y": b"x"},
        {"evil": b"x"},
        {"B-1/x": b"x"},
        {"b/x": b"x", "b/X": b"x"},
        {"b/x": b"x", "b/x/y": b"x"},
        {"b/x.pyc": b"x"},
        {"b/__pycache__/x.py": b"x"},
        {},
    ],
    ids=lambda entries: "+".join(name[:20] for name in entries) or "empty",
)
def test_a_zip_that_breaks_a_rule_writes_nothing(tmp_path: Path, entries: dict[str, bytes]) -> None:
    archive = _zip(tmp_path / "bad.zip", entries)
    with pytest.raises(BundleError, match="must"):
        unpack(archive, tmp_path / "deep" / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        entry = zipfile.ZipInfo("b/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BundleError, match="a link or device"):
        unpack(tmp_path / "bad.zip", tmp_path / "out")


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/zeros", bytes(2**24))
    with pytest.raises(BundleError, match="unpack to at most"):
        unpack(tmp_path / "bomb.zip", tmp_path / "out", max_bytes=2**20)
    assert not (tmp_path / "out").exists()


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/zeros", bytes(2**20))
    path.write_bytes(path.read_bytes().replace((2**20).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(BundleError, match="must be a whole zip"):
        unpack(path, tmp_path / "out", max_bytes=2**10)
    assert not any((tmp_path / "out").iterdir())


def test_damage_anywhere_is_one_line(tmp_path: Path) -> None:
    pack(write_tiny_bundle(tmp_path), tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no zip at all"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BundleError, match="must be a whole zip"):
            unpack(tmp_path / name, tmp_path / "out")
    flipped = bytearray(whole)
    flipped[100] ^= 0xFF
    (tmp_path / "flipped").write_bytes(flipped)
    with pytest.raises(BundleError, match="must"):
        unpack(tmp_path / "flipped", tmp_path / "out")
    assert not (tmp_path / "out" / "tiny_bundle").exists()


def test_a_target_that_is_a_file_is_an_output_error(tmp_path: Path) -> None:
    pack(write_tiny_bundle(tmp_path), tmp_path / "b.zip")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="must be writable"):
        unpack(tmp_path / "b.zip", tmp_path / "file")
