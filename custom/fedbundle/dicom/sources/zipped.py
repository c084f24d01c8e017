"""A zip of DICOM files: unpacked under numbers within declared bounds, then read like a folder.

The directory of the archive is judged before a byte is unpacked (PKWARE APPNOTE 4.3), and no entry gives more bytes
than the directory told. Names only tell which files lay together; none is ever written.
"""

import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from tqdm import tqdm

from fedbundle.dicom.series import Survey
from fedbundle.dicom.sources.folder import Folder
from fedbundle.dicom.sources.source import Arrival, Source, must_lie_apart
from fedbundle.errors import InputError, OutputError

ZIP_START = b"PK"
END = 65_557 + 76  # bytes; end of the directory with the longest comment, and its 64 bit forms
IN_ZIP64 = 0xFFFFFFFF  # stands for a size that the 64 bit form tells
LARGEST_DIRECTORY = 64 << 20  # bytes
MOST_ENTRIES = 500_000
LARGEST_ENTRY = 8 << 30  # bytes unpacked; the largest multi-frame files have some GB
LARGEST_TOTAL = 512 << 30  # bytes unpacked
MOST_RATIO = 200  # unpacked to packed, over the whole archive; empty slices alone may reach 1,000
HARMLESS_TOTAL = 64 << 20  # bytes unpacked; below it no ratio does harm
CHUNK = 1 << 20
ENCRYPTED = 0x1  # general purpose bit flag, APPNOTE 4.4.4
OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:")
ADVICE = "unpack it with a program you trust and give the folder"


class Zip(Source):
    """A zip with DICOM files in any folders, under any names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unpacked: Folder | None = None

    def check(self, dataset: Path) -> None:
        """Judge the archive's directory, which says what unpacking would give."""
        must_lie_apart(dataset, self.path)
        if not self.entries:
            raise InputError("zip must hold DICOM images, got no file in it; check the path")

    @cached_property
    def entries(self) -> list[zipfile.ZipInfo]:
        """Files of the archive; folders are left out."""
        try:
            if (size := _directory_size(self.path)) > LARGEST_DIRECTORY:
                raise InputError(f"zip directory must have at most {LARGEST_DIRECTORY} bytes, got {size}; {ADVICE}")
            with zipfile.ZipFile(self.path) as archive:
                entries = archive.infolist()
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RecursionError) as error:
            told, advice = _told(self.path, error)
            raise InputError(f"--dicom must be a folder or a sound zip, got {told}: {self.path}; {advice}") from error
        if fault := _fault(entries, self.path.stat().st_size):
            raise InputError(f"zip must hold {fault}; {ADVICE}")
        return [entry for entry in entries if not entry.is_dir()]

    def arrivals(self, spool: Path) -> Sequence[Arrival]:
        """Unpack into `spool`, then as for a folder."""
        _unpack(self.path, self.entries, spool)
        self.unpacked = Folder(spool)
        if not self.unpacked.studies:
            raise InputError(f"zip must hold DICOM images, got none in {len(self.entries)} files; check the path")
        return self.unpacked.arrivals(spool)

    def folder_of(self, file: Path) -> Path:
        """The zip, and the folder in it."""
        return (self.path / self.entries[int(file.name)].filename.replace("\\", "/")).parent

    def rest(self) -> Survey:
        """As for a folder."""
        return self.unpacked.rest() if self.unpacked else super().rest()


def _told(path: Path, error: Exception) -> tuple[str, str]:
    """What a file is that cannot be read as a zip, and what to do."""
    if isinstance(error, OSError):
        return str(error.strerror), "check the path"
    with path.open("rb") as file:
        begins = file.read(len(ZIP_START))
    if begins == ZIP_START:
        return "a zip that is damaged or incomplete", "copy it again"
    return "no zip", "give the folder, or a zip of it"


def _fault(entries: Sequence[zipfile.ZipInfo], size: int) -> str:
    """What the directory breaks: the rule and what was found, without a name."""
    total, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    largest = max((entry.file_size for entry in entries), default=0)
    if len(entries) > MOST_ENTRIES:
        return f"at most {MOST_ENTRIES} entries, got {len(entries)}"
    if largest > LARGEST_ENTRY:
        return f"entries of at most {LARGEST_ENTRY >> 30} GiB, got one of {largest >> 30} GiB"
    if total > LARGEST_TOTAL:
        return f"at most {LARGEST_TOTAL >> 30} GiB unpacked, got {total >> 30} GiB"
    if total > max(HARMLESS_TOTAL, MOST_RATIO * packed):
        return f"at most {MOST_RATIO} times its packed size, got {total / max(packed, 1):.0f} times"
    if packed > size:
        return f"entries that do not overlap, got {packed} packed bytes in a file of {size}"
    if outside := sum(OUTSIDE.search(entry.filename) is not None for entry in entries):
        return f"names that stay inside its folder, got {outside} that lead out of it"
    if links := sum(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        return f"files and folders only, got {links} links"
    if locked := sum(entry.flag_bits & ENCRYPTED for entry in entries):
        return f"entries without password, got {locked} that are encrypted"
    return ""


def _unpack(path: Path, entries: Sequence[zipfile.ZipInfo], spool: Path) -> None:
    """Write entries as spool/<number of folder>/<number>; one that cannot be unpacked is left empty, hence damaged."""
    folders: dict[str, Path] = {}
    try:
        needed, free = sum(entry.file_size for entry in entries), shutil.disk_usage(spool).free
        if needed > free:
            raise OutputError(f"disk of {spool} must have room for {needed} bytes, got {free}; free space")
        with zipfile.ZipFile(path) as archive:
            for number, entry in enumerate(tqdm(entries, desc="unpacked", unit=" files", disable=None, leave=None)):
                parent = re.split(r"[/\\][^/\\]*$", f"/{entry.filename}")[0]
                folder = folders.setdefault(parent, spool / f"{len(folders):06d}")
                folder.mkdir(exist_ok=True)
                _unpack_one(archive, entry, folder / f"{number:06d}")
    except OSError as error:
        raise OutputError(f"zip must be unpacked into {spool}, got {error.strerror}; free space") from error


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    with target.open("wb") as file:
        try:
            for chunk in _chunks(archive, entry):
                file.write(chunk)
        except zipfile.BadZipFile:
            file.truncate(0)


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpacked bytes of an entry, never more than the directory told; whatever is wrong with it is BadZipFile."""
    try:
        with archive.open(entry) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError, ValueError, RuntimeError) as error:
        raise zipfile.BadZipFile from error


def _directory_size(path: Path) -> int:
    """Bytes of the directory as the archive's end tells, largest of all ends that a reader could take for it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END))
        tail = file.read()
    places = [(found.start() + 12, "<L") for found in re.finditer(rb"PK\x05\x06", tail)]
    places += [(found.start() + 40, "<Q") for found in re.finditer(rb"PK\x06\x06", tail)]
    told = [struct.unpack_from(kind, tail, at)[0] for at, kind in places if at + 8 <= len(tail)]
    return max((size for size in told if size != IN_ZIP64), default=0)
