"""Find the DICOM series in a folder: one pass over headers, any file name, nothing but headers in memory."""

import errno
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage
from tqdm import tqdm

from fedbundle.dicom.deflated import is_bomb
from fedbundle.dicom.diffusion import b_value
from fedbundle.dicom.frames import frames_of
from fedbundle.dicom.geometry import Plane, distances, planes_of
from fedbundle.dicom.header import alike, number, stored, text, tolerant
from fedbundle.dicom.plain import read_plain
from fedbundle.errors import InputError

PREAMBLE = 128
MAGIC = b"DICM"
# first element of a file without preamble: a low tag of group 0002 or 0008, little endian
BARE_START = re.compile(rb"[\x02\x08]\x00[\x00-\x18]\x00")
SAME_PLACE_MM = 0.01
DEFERRED = 4096  # bytes; longer elements (vendor protocol dumps) are read only when someone asks for them
START = 1 << 16  # bytes, in which most headers end
GONE = (errno.ENOENT, errno.ELOOP)  # a file that went while others were read, a link that leads nowhere


Member = tuple[Dataset, Path, int | None]  # header, file, index of the frame in it (None: the file is one image)


@dataclass(frozen=True, eq=False)
class Series:
    """Slices of one SeriesInstanceUID, or of one volume in it.

    `headers`, `files`, `frames` and `planes` run in parallel, sorted along the normal.
    """

    uid: str
    study_uid: str
    headers: tuple[Dataset, ...]  # without pixels
    files: tuple[Path, ...]
    frames: tuple[int | None, ...]  # index of the frame in a multi-frame file, None for a single-frame file
    planes: tuple[Plane | None, ...]  # None where a header gives no place
    told: str = ""  # which part of the series this is, for logs; "" for all of it

    @classmethod
    def of(cls, members: Sequence[Member]) -> "Series":
        """Sort the slices of one series; those at one place by instance number, then by path and frame."""
        headers = [header for header, _, _ in members]
        with tolerant():
            planes = planes_of(headers)
            placed = [found for found in planes if found]
            along = distances(placed).tolist() if len(placed) == len(members) else [0.0] * len(members)
            order = sorted(range(len(members)), key=lambda i: (along[i], str(members[i][1]), members[i][2] or 0))
            if len(set(along)) < len(along):
                numbered = [number(header, "InstanceNumber") or 0.0 for header in headers]
                order.sort(key=lambda i: (along[i], numbered[i]))
            study, series = (text(headers[0], name) for name in ("StudyInstanceUID", "SeriesInstanceUID"))
        files, frames = tuple(members[i][1] for i in order), tuple(members[i][2] for i in order)
        return cls(series, study, tuple(headers[i] for i in order), files, frames, tuple(planes[i] for i in order))

    def part(self, indices: Sequence[int], told: str) -> "Series":
        """These slices of the series, in the same order."""
        return Series(
            self.uid,
            self.study_uid,
            tuple(self.headers[i] for i in indices),
            tuple(self.files[i] for i in indices),
            tuple(self.frames[i] for i in indices),
            tuple(self.planes[i] for i in indices),
            told,
        )

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Number of the place of each slice along the normal, from 0; empty when a slice has no place."""
        planes = [found for found in self.planes if found]
        if len(planes) < len(self.planes):
            return ()
        number_of_place = np.cumsum(np.diff(distances(planes), prepend=-np.inf) > SAME_PLACE_MM) - 1
        return tuple(number_of_place.tolist())

    @property
    def first(self) -> Dataset:
        """Header of the first slice."""
        return self.headers[0]

    @cached_property
    def b_values(self) -> tuple[float | None, ...]:
        """b-value of each slice in s/mm2, None where its header names none."""
        with tolerant():
            return tuple(b_value(header) for header in self.headers)

    def kinds(self, *names: str) -> list[tuple[Dataset, int]]:
        """One header for each different set of these attributes, and how many slices have it.

        Most attributes are stored alike in all slices; decoding them once is what makes the gate fast.
        """
        for name in names:
            if name not in self._columns:
                self._columns[name] = stored(self.headers, name)
        groups = alike([self._columns[name] for name in names])
        return [(self.headers[members[0]], len(members)) for members in groups]

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        """Attributes of all slices as they are stored, of those that were asked for."""
        return {}


@dataclass(frozen=True)
class Survey:
    """What a folder holds."""

    series: list[Series]
    files: int  # regular files seen
    skipped: int  # no DICOM, or a DICOMDIR
    damaged: tuple[Path, ...]  # empty, or DICOM by their first bytes but without a readable header
    directories: tuple[Path, ...] = ()  # DICOMDIR files, counted as skipped

    def studies(self) -> dict[str, list[Series]]:
        """Series by StudyInstanceUID, in the order of the UIDs."""
        found: dict[str, list[Series]] = defaultdict(list)
        for series in self.series:
            found[series.study_uid].append(series)
        return dict(sorted(found.items()))

    def damage(self) -> dict[str, int]:
        """How many of `damaged_of` each study has."""
        return {uid: len(paths) for uid, paths in self.damaged_of().items()}

    def damaged_of(self) -> dict[str, tuple[Path, ...]]:
        """Damaged files by StudyInstanceUID, of those that lie in a folder with files of one study only."""
        studies_in: dict[Path, set[str]] = defaultdict(set)
        for series in self.series:
            for file in series.files:
                studies_in[file.parent].add(series.study_uid)
        found: dict[str, list[Path]] = defaultdict(list)
        for file in self.damaged:
            owners = studies_in.get(file.parent, set())
            if len(owners) == 1:
                found[next(iter(owners))].append(file)
        return {uid: tuple(paths) for uid, paths in found.items()}


def scan(folder: Path) -> list[Series]:
    """Series of a folder, searched recursively; see `survey`."""
    return survey(folder).series


@dataclass(frozen=True)
class Seen:
    """One regular file of a folder."""

    path: Path
    members: list[Member]  # its images
    directory: bool = False  # a DICOMDIR
    damaged: bool = False  # empty, lost, or DICOM by its first bytes but without a readable header


def look_through(folder: Path) -> Iterator[Seen]:
    """Every file below `folder`, its headers read; progress goes to a terminal's stderr.

    Raises:
        InputError: no such folder, or a folder or file in it may not be read.
    """
    if not folder.is_dir():
        raise InputError(f"DICOM folder must be a folder that is there, got {folder}; check the path")
    with tolerant():
        for path in tqdm(_regular_files(folder), desc="headers", unit=" files", disable=None, leave=None):
            start = _start(path)
            if start and not _looks_like_dicom(start):
                yield Seen(path, [])
                continue
            members = read_members(path, start) if start else []
            directory = bool(members) and _is_directory(members[0][0])
            yield Seen(path, [] if directory else members, directory=directory, damaged=not members)


def survey(folder: Path) -> Survey:
    """Read every header below `folder` once and group them.

    Raises:
        InputError: as `look_through`.
    """
    seen = list(look_through(folder))
    return Survey(
        series_of([member for each in seen for member in each.members]),
        len(seen),
        sum(not each.members and not each.damaged for each in seen),
        tuple(each.path for each in seen if each.damaged),
        tuple(each.path for each in seen if each.directory),
    )


def series_of(members: Sequence[Member]) -> list[Series]:
    """Group images by study and series."""
    groups: dict[tuple[str, str], list[Member]] = defaultdict(list)
    with tolerant():
        for member in members:
            groups[text(member[0], "StudyInstanceUID"), text(member[0], "SeriesInstanceUID")].append(member)
        return [Series.of(group) for _, group in sorted(groups.items())]


def _regular_files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(
            f"DICOM folder must be readable, got {error.strerror} inside it; `find DIR ! -readable` tells where"
        ) from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            try:
                regular = stat.S_ISREG(path.stat().st_mode)
            except OSError:
                regular = path.is_symlink()  # one that leads nowhere stands for an image that is lost
            if regular:
                yield path


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError as error:
        if error.errno in GONE:
            return b""
        raise InputError(
            f"DICOM files must be readable, got {error.strerror} for one; `find DIR ! -readable` tells which"
        ) from error


def _looks_like_dicom(start: bytes) -> bool:
    return start[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC or BARE_START.match(start) is not None


def read_members(path: Path, start: bytes = b"") -> list[Member]:
    """Headers of the images in a file, one for each frame; empty when it has no header that can be read.

    Args:
        path: the file.
        start: its first bytes, where they have been read already.
    """
    try:
        header = read_plain(path, start or _start(path), DEFERRED)
        if header is None:
            if is_bomb(path):
                return []
            header = dcmread(path, stop_before_pixels=True, defer_size=DEFERRED, force=True)
        named = all(text(header, uid) for uid in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
        if not named and not _is_directory(header):
            return []
        return [(image, path, frame) for image, frame in frames_of(header, path)]
    except Exception:  # hostile bytes make pydicom raise almost anything; the file is counted as damaged
        return []


def _is_directory(header: Dataset) -> bool:
    return text(header.file_meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
