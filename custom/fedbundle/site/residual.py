"""The last look at a dataset before it is kept: is an identifier of the source left in what ingest wrote?

Searched are file names, every byte of JSON, the headers of NIfTI files (unpacked) and the headers of kept DICOM. Not
searched are voxels: they were written as numbers from numbers, and short names turn up among them by chance.
"""

import gzip
import struct
import zlib
from pathlib import Path

from pydicom.dataset import Dataset

from fedbundle.dicom.deidentify import identifiers
from fedbundle.dicom.needles import Needles
from fedbundle.dicom.series import Series
from fedbundle.errors import ResidualError

NIFTI_HEADER = 348
VOX_OFFSET = slice(108, 112)  # float32, where the voxels begin
PIXEL_DATA = b"\xe0\x7f\x10\x00"  # tag (7FE0,0010), little endian


def source_identifiers(study: list[Series]) -> set[str]:
    """What must not be found in anything written from these series: names, ids, dates and UIDs at every depth."""
    found: set[str] = set()
    for series in study:
        known = dict(series.first.items())
        found |= identifiers(series.first)
        for header in series.headers[1:]:
            found |= identifiers(_news(header, known))
    return found


def leaking_files(folder: Path, files: list[Path], names: Needles) -> list[Path]:
    """Those of `files` (below `folder`) that hold an identifier in their relative path or their content."""
    return [
        file
        for file in files
        if names.in_text(file.relative_to(folder).as_posix()) or names.found_in(searchable(file))
    ]


def searchable(file: Path) -> bytes:
    """All of a file but voxels.

    Raises:
        ResidualError: a damaged NIfTI file, of which nobody can say what it holds.
    """
    if file.name.endswith(".nii.gz"):
        try:
            with gzip.open(file) as stream:
                header = stream.read(NIFTI_HEADER)
                return header + stream.read(max(0, _vox_offset(header) - NIFTI_HEADER))
        except (OSError, EOFError, zlib.error, struct.error) as error:
            raise ResidualError(
                f"files of the dataset must be readable, got a damaged {file.name}; remove it and ingest again"
            ) from error
    content = file.read_bytes()
    return content.partition(PIXEL_DATA)[0] if file.suffix == ".dcm" else content


def _vox_offset(header: bytes) -> int:
    (offset,) = struct.unpack("<f", header[VOX_OFFSET])
    return int(offset)


def _news(header: Dataset, known: dict[object, object]) -> Dataset:
    """Elements of a header whose stored bytes differ from those of the first slice; nothing is decoded for it."""
    news = Dataset()
    for tag, element in header.items():
        before = known.get(tag)
        if before is None or _stored(before) != _stored(element):
            news[tag] = element
    news.set_original_encoding(*header.original_encoding, header.original_character_set)
    return news


def _stored(element: object) -> object:
    return getattr(element, "value", element)
