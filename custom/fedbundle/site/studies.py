"""The studies that are wanted of a PACS: first column of a CSV, or one StudyInstanceUID per line."""

import csv
from pathlib import Path

from fedbundle.dicom.sources.remote import checked_uid
from fedbundle.errors import InputError

HEADING = "study_instance_uid"


def wanted_studies(path: Path) -> list[str]:
    """StudyInstanceUIDs in the order of the file, each once.

    Args:
        path: CSV in UTF-8; a first line that is a heading, empty lines and further columns are passed over.

    Raises:
        InputError: it cannot be read, names no study, or a line begins with something that is no UID.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [row[0].strip() if row else "" for row in csv.reader(file, strict=True)]
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "no CSV in UTF-8"
        raise InputError(f"list of studies must be a readable file, got {reason} for {path}; check the path") from error
    found = []
    for line, cell in enumerate(cells, start=1):
        if not cell or (line == 1 and cell.lower() == HEADING):
            continue
        if checked_uid(cell) is None:
            raise InputError(
                f"list of studies must begin each line with a StudyInstanceUID, got something else in line {line}; "
                "mend the line"
            )
        found.append(cell)
    if not found:
        raise InputError(f"list of studies must name at least one, got none in {path}; check the file")
    return list(dict.fromkeys(found))
