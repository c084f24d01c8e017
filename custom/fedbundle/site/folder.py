"""A dataset folder while ingest works in it: one writer at a time, no leftovers of a killed run, no stray files."""

import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fedbundle.errors import DatasetError, InputError, OutputError
from fedbundle.files import writing

DATALIST = "datalist.json"
JOURNAL = "ingest.jsonl"
INCOMING = ".incoming"  # copies of what a server sent or a zip held, and pixels for other programs; only in an ingest
LOCK = ".lock"
PAGE = "qc.html"  # shows every case
JUDGED = ".judged.json"  # what was found in files, by their digests; see judged.py
LOOKS = ".qc"  # what the page tells of each case, so that a case that did not change is not read again
SUBFOLDERS = ("images", "labels", "dicom", LOOKS)
CASE = re.compile(r"[0-9a-f]{16}")
CASE_ENTRY = re.compile(rf"({CASE.pattern})(_[a-z][a-z0-9_]*\.nii(\.gz)?)?")
LEFTOVER = re.compile(r"\..+\.(part|old)")


def read_datalist(dataset: Path) -> dict[str, Any]:
    """Content of datalist.json, not judged any further.

    Raises:
        DatasetError: it is damaged, or cannot be read.
    """
    try:
        listed = json.loads((dataset / DATALIST).read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"datalist.json must be readable, got {error.strerror}; mend its rights or disk") from error
    except ValueError as error:
        raise damaged_datalist("no JSON") from error
    if not isinstance(listed, dict):
        raise damaged_datalist("another")
    return listed


def damaged_datalist(got: str) -> DatasetError:
    """What to say of a datalist that ingest did not write so; versions.jsonl of the site home keeps the split."""
    return DatasetError(
        f"datalist.json must be one that ingest wrote, got {got}; remove this file alone and ingest again, the split "
        "is kept"
    )


@contextmanager
def working_in(dataset: Path) -> Iterator[None]:
    """Make the folder if need be, lock it, and clear what a killed run has left half-written.

    Raises:
        InputError: the folder holds something else, or another ingest works in it.
        OutputError: it cannot be made or written.
    """
    try:
        dataset.mkdir(parents=True, exist_ok=True)
        strange = [entry for entry in dataset.iterdir() if not entry.name.startswith(".")]
        if strange and not (dataset / JOURNAL).is_file():
            raise InputError(f"dataset must be a new folder, an empty one or a dataset, got {dataset}; choose another")
        lock = (dataset / LOCK).open("a")
    except OSError as error:
        raise OutputError(
            f"dataset must be writable, got {error.strerror} for {dataset}; choose another place"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"dataset must have one writer, got another ingest in {dataset}; wait for it") from error
        with writing(dataset):
            for entry in remains(dataset):
                remove(entry)
        yield


def remains(dataset: Path) -> list[Path]:
    """What a killed run has left half-written, copied or given to another program; a run in progress has it as well."""
    places = [place for place in (dataset, *(dataset / name for name in SUBFOLDERS)) if place.is_dir()]
    left = [entry for place in places for entry in place.iterdir() if LEFTOVER.fullmatch(entry.name)]
    incoming = dataset / INCOMING
    return sorted([*left, *([incoming] if incoming.exists() and not incoming.is_symlink() else [])])


def busy(dataset: Path) -> bool:
    """An ingest works in the dataset now. Changes nothing."""
    try:
        with (dataset / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def case_entries(dataset: Path, case: str = "") -> list[Path]:
    """Files and DICOM folders that ingest named after a case; of all cases when none is given."""
    entries = [entry for name in SUBFOLDERS if (dataset / name).is_dir() for entry in (dataset / name).iterdir()]
    return sorted(e for e in entries if (found := CASE_ENTRY.fullmatch(e.name)) and case in ("", found[1]))


def case_of_entry(entry: Path) -> str:
    """Pseudonym of the case that a file or folder belongs to."""
    return entry.name[:16]


def clear(dataset: Path, case: str) -> None:
    """Remove what an interrupted run wrote of a case, as far as the disk lets us; the next run removes the rest."""
    with suppress(OSError):
        for entry in case_entries(dataset, case):
            remove(entry)


def remove(entry: Path) -> None:
    """Remove a file or a folder with all it holds."""
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()
