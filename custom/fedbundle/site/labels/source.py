"""`--labels`: a CSV, or a folder of DICOM segmentations and structure sets."""

from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.site.labels.objects import read_folder
from fedbundle.site.labels.sheet import read_sheet
from fedbundle.site.labels.study import Labels


def read_labels(path: Path, rules: dict[str, Any]) -> Labels:
    """Read what `--labels` names.

    Args:
        path: CSV file, or folder that is searched for DICOM SEG and RTSTRUCT.
        rules: content of the bundle's configs/ingest.json.

    Raises:
        InputError: it cannot be read, or cannot hold what the bundle wants.
        BundleError: the bundle's table cannot be used.
    """
    if not path.is_dir():
        return read_sheet(path, rules)
    if "table" in rules:
        raise InputError("--labels must be a CSV for a bundle with a table, got a folder; name the masks in the CSV")
    return read_folder(path)
