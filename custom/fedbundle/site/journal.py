"""`ingest.jsonl`: one line per series; the lines of a study are written in one go, after its files.

A study is finished when all its lines are there. What a killed process left of the last study is dropped when the
journal is opened, and that study is done again.
"""

import json
from collections.abc import Collection
from io import SEEK_END, FileIO
from pathlib import Path
from typing import Any

from fedbundle.errors import DatasetError, OutputError
from fedbundle.files import new_file, writing

Line = dict[str, Any]
EARLIER = "earlier_patients"  # key of a line


class Journal:
    """Lines by case, the newest decision of each."""

    def __init__(self, path: Path, cases: dict[str, list[Line]]) -> None:
        self.path = path
        self.cases = cases

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """Read the journal, or begin one.

        Raises:
            DatasetError: a line that no interruption explains.
            OutputError: the folder cannot be written.
        """
        with writing(path):
            journal = cls(path, read_cases(path) if path.is_file() else {})
            path.touch()
        journal.compact()
        return journal

    def add(self, lines: list[Line]) -> None:
        """Append all lines of one study and remember them; nothing is written when they stand there already.

        Raises:
            OutputError: the disk is full or the file is not writable.
        """
        if self.cases.get(lines[0]["case"]) == lines:
            return
        try:
            with self.path.open("r+b", buffering=0) as file:  # must be there: a disk that has gone is not begun anew
                _append(file, encoded(lines))
        except OSError as error:
            raise OutputError(
                f"ingest.jsonl must be writable, got {error.strerror}; mend that and run the same command again"
            ) from error
        self.cases[lines[0]["case"]] = lines

    def drop(self, case: str) -> None:
        """Forget a case; `compact` takes it out of the file."""
        self.cases.pop(case, None)

    def drop_excluded(self, patients: Collection[str], studies: Collection[str]) -> bool:
        """Forget all cases of these patients (pseudonyms) and of these studies (keyed digests); whether there were any.

        `compact` takes them out of the file.
        """
        before = len(self.cases)
        self.cases = {
            case: lines
            for case, lines in self.cases.items()
            if lines[0]["patient"] not in patients and lines[0].get("study") not in studies
        }
        return len(self.cases) < before

    def compact(self) -> None:
        """Write the newest lines of each case, in the order of the pseudonyms; whole or not at all.

        Raises:
            OutputError: the disk is full, or the journal is not there any more.
        """
        with new_file(self.path, make_parents=False) as part:
            self.path.stat()
            part.write_bytes(b"".join(encoded(lines) for _, lines in sorted(self.cases.items())))


def read_cases(path: Path) -> dict[str, list[Line]]:
    """Lines of ingest.jsonl by case; the newest of each, without those of a study that was cut off. Changes nothing.

    Raises:
        DatasetError: a line that no interruption explains.
        OSError: the file cannot be read.
    """
    cases: dict[str, list[Line]] = {}
    lines = _lines(path)
    while lines:
        case, count = lines[0]["case"], lines[0]["series_in_study"]
        if len(lines) < count:  # the last study was cut off
            break
        cases[case], lines = lines[:count], lines[count:]
        if {line["case"] for line in cases[case]} != {case}:
            raise _foreign("among the lines of one study")
    return cases


def used(lines: list[Line]) -> bool:
    """The case of these lines is in the dataset."""
    return any(line["decision"] == "used" for line in lines)


def patients_of(lines: list[Line]) -> set[str]:
    """Pseudonyms of the patient of a case and of those to whom its study was given before."""
    return {patient for line in lines for patient in (line["patient"], *line.get(EARLIER, []))}


def files_of(lines: list[Line]) -> dict[str, dict[str, str]]:
    """Files of a case by datalist key: path in the dataset, and SHA-256."""
    return {key: file for line in lines for key, file in line.get("files", {}).items()}


def rows_of(lines: list[Line]) -> list[dict[str, Any]]:
    """Rows of the labels' table for a case, as numbers; None where a value is missing."""
    return [row for line in lines for row in line.get("table", [])]


def dicom_of(lines: list[Line]) -> dict[str, dict[str, str]]:
    """Folders of kept DICOM of a case by role: path in the dataset, and SHA-256 over the files in it."""
    return {line["role"]: line["dicom"] for line in lines if "dicom" in line}


def encoded(lines: list[Line]) -> bytes:
    """Lines as they stand in the file."""
    return b"".join(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n" for line in lines)


def _append(file: FileIO, content: bytes) -> None:
    """Add all of it or nothing."""
    size, written = file.seek(0, SEEK_END), 0
    try:
        while written < len(content):
            written += file.write(content[written:])
    except OSError:
        file.truncate(size)
        raise


def _lines(path: Path) -> list[Line]:
    raw = path.read_bytes().split(b"\n")
    lines = []
    for number, text in enumerate(raw[:-1], start=1):  # what follows the last line break was cut off in writing
        try:
            line = json.loads(text)
            sound = bool(line["case"]) and line["series_in_study"] > 0
        except (ValueError, TypeError, KeyError) as error:
            raise _foreign(f"in line {number}") from error
        if not sound:
            raise _foreign(f"in line {number}")
        lines.append(line)
    return lines


def _foreign(place: str) -> DatasetError:
    return DatasetError(
        f"ingest.jsonl must hold what ingest wrote, got something else {place}; "
        "remove the dataset folder and ingest again"
    )
