"""A DICOMDIR: which instances it lists per study and series (PS3.3 Annex F), whatever their files are called now."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from pydicom import dcmread

from fedbundle.dicom.header import number, text, tolerant
from fedbundle.errors import InputError

LARGEST = 256 << 20  # bytes; a DICOMDIR of 100,000 images has about 50 MB
FIRST = "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"
NEXT, LOWER = "OffsetOfTheNextDirectoryRecord", "OffsetOfReferencedLowerLevelDirectoryEntity"

Listed = dict[tuple[str, str], set[str]]  # StudyInstanceUID, SeriesInstanceUID -> SOPInstanceUIDs


def listed(path: Path) -> tuple[Listed, dict[str, str]]:
    """Instances that a DICOMDIR lists, and the Modality of each series.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(_complaint(f"more than {LARGEST >> 20} MiB"))
        with tolerant():
            return _walk(dcmread(path))
    except InputError:
        raise
    except Exception as error:  # hostile bytes make pydicom raise almost anything
        raise InputError(_complaint(type(error).__name__)) from error


def _walk(directory: Any) -> tuple[Listed, dict[str, str]]:
    """Follow the offsets; each record is visited once, so offsets that run in a circle end."""
    records = {int(record.seq_item_tell): record for record in directory.DirectoryRecordSequence}
    instances: Listed = defaultdict(set)
    modalities: dict[str, str] = {}
    waiting = [(int(number(directory, FIRST) or 0), "", "")]
    while waiting:
        offset, study, series = waiting.pop()
        record = records.pop(offset, None)
        if record is None:
            continue
        waiting.append((int(number(record, NEXT) or 0), study, series))
        kind = text(record, "DirectoryRecordType").upper()
        if kind == "STUDY":
            study = text(record, "StudyInstanceUID")
        elif kind == "SERIES":
            series = text(record, "SeriesInstanceUID")
            modalities[series] = text(record, "Modality").upper()
        elif instance := text(record, "ReferencedSOPInstanceUIDInFile"):
            instances[study, series].add(instance)
        waiting.append((int(number(record, LOWER) or 0), study, series))
    return dict(instances), modalities


def _complaint(got: str) -> str:
    return (
        f"DICOMDIR must be readable, got {got}; `find DIR -iname DICOMDIR` tells where it lies: copy the disc again, "
        "or remove the DICOMDIR to use the files without it"
    )
