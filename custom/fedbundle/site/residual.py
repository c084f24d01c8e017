"""The last look at a dataset before it is kept: is an identifier of the source left in what ingest wrote?

Searched are file names, every byte of JSON, the headers of NIfTI files (unpacked) and the headers of kept DICOM. Not
searched are voxels, nor the pictures of them in a page: they were written as numbers from numbers, and short names turn
up among them by chance.
"""

import gzip
import json
import re
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from fedbundle.dicom import gate, inputs, pixels, quantities, technical
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.needles import Needles
from fedbundle.dicom.header import MALFORMED, PIXEL_DATA
from fedbundle.dicom.series import Series
from fedbundle.errors import ResidualError
from fedbundle.site import cases, journal, labels, refusal

LINE_MAKERS = (gate, inputs, pixels, quantities, technical, cases, journal, labels, refusal)  # modules and packages
NAMELESS_VR = frozenset(  # numbers, times of day, codes and bulk data: what differs by slice and names nobody
    {"CS", "DS", "FD", "FL", "IS", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "TM", "UL", "US", "UV"}
)
NOTHING = object()
WORD = re.compile(r"[a-z0-9.]+")

LISTS = (".json", ".jsonl", ".html")
# keyed digests, whole or cut to 16 digits; with a letter, so that no number of a patient is taken for one
PSEUDONYM = re.compile(rb"(?<![0-9a-f])(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{16})(?![0-9a-f])")
NIFTI_HEADER = 348
VOX_OFFSET = slice(108, 112)  # float32, where the voxels begin
PICTURE = re.compile(rb"data:image/webp;base64,[A-Za-z0-9+/]+=*")


def source_identifiers(study: list[Series], known: frozenset[str] = frozenset()) -> set[str]:
    """What must not be found in anything written from these series: names, ids, dates and UIDs at every depth.

    Args:
        study: its series.
        known: attributes that may be found, as those of the scanner where its identity is kept.
    """
    found: set[str] = set()
    for series in study:
        first = {tag: _stored(element) for tag, element in series.first.items()}
        found |= identifiers(series.first, known)
        for header in series.headers[1:]:
            found |= identifiers(_news(header, first), known)
    return found


def needles(names: set[str], rules: dict[str, Any]) -> Needles:
    """What to search for: `names` without words that our own lines consist of and without short numbers.

    A patient called Field or a patient id 5660 would else be found in the echo times of every study. The whole name
    is still searched for.
    """
    words = _own_words() | set(WORD.findall(json.dumps(rules).lower()))
    return Needles({name for name in names if not (name.lower() in words or (name.isdigit() and len(name) < 6))})


def leaking(folder: Path, entries: list[Path], wanted: Needles) -> bool:
    """Whether a file in `entries` (files and folders below `folder`) holds an identifier, name or content."""
    files = [file for entry in entries for file in (sorted(entry.rglob("*")) if entry.is_dir() else [entry])]
    return any(
        wanted.in_text(file.relative_to(folder).as_posix()) or (file.is_file() and wanted.found_in(searchable(file)))
        for file in files
    )


@cache
def _own_words() -> frozenset[str]:
    """Words of the modules that make the lines of ingest.jsonl, read from their source."""
    files = [file for module in LINE_MAKERS for file in _sources(Path(str(module.__file__)))]
    return frozenset(word for file in files for word in WORD.findall(file.read_text(encoding="utf-8").lower()))


def _sources(file: Path) -> list[Path]:
    return sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else [file]


def searchable(file: Path) -> bytes:
    """All of a file but voxels.

    Raises:
        ResidualError: a damaged NIfTI file, of which nobody can say what it holds.
    """
    if file.name.endswith((".nii", ".nii.gz")):
        try:
            with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
                header = stream.read(NIFTI_HEADER)
                return header + stream.read(max(0, _vox_offset(header) - NIFTI_HEADER))
        except (OSError, EOFError, zlib.error, struct.error) as error:
            raise ResidualError(
                f"files of the dataset must be readable, got a damaged {file.name}; remove it and ingest again"
            ) from error
    content = PICTURE.sub(b"", file.read_bytes())
    if file.suffix in LISTS:  # of many cases, where a date is sooner or later part of somebody's pseudonym
        content = PSEUDONYM.sub(b"#", content)
    return content.partition(PIXEL_DATA)[0] if file.suffix == ".dcm" else content


def _vox_offset(header: bytes) -> int:
    (offset,) = struct.unpack("<f", header[VOX_OFFSET])
    return int(offset)


def _news(header: Dataset, known: Mapping[BaseTag, object]) -> Dataset:
    """Elements of a header that are not stored as in the first slice; only those left in the file are decoded for it.

    Of two elements left in the file nobody knows whether they are alike.
    """
    news = Dataset()
    for tag, element in header.items():
        if getattr(element, "VR", None) in NAMELESS_VR:
            continue
        if _unread(element):
            with suppress(*MALFORMED):  # one that cannot be decoded has no strings; the gate refuses what it needs
                news[tag] = header[tag]
        elif known.get(tag, NOTHING) != _stored(element):
            news[tag] = element
    implicit, little = header.original_encoding
    news.set_original_encoding(implicit, little, header.original_character_set)
    return news


def _stored(element: object) -> object:
    return getattr(element, "value", element)


def _unread(element: object) -> bool:
    return isinstance(element, RawDataElement) and element.value is None and element.length > 0
