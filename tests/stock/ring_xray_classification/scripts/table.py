"""Reads the table of a split."""

import csv
from pathlib import Path


def read_table(path: str, folder: str) -> list[dict[str, object]]:
    """Rows `file,label` as a MONAI datalist."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{"image": str(Path(folder, row["file"])), "label": int(row["label"])} for row in csv.DictReader(file)]
