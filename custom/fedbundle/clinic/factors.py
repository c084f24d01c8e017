"""Risk factors of a patient, from a CSV of one row or a JSON object, by the rules of the bundle's table."""

import csv
import json
from pathlib import Path
from typing import Any

from fedbundle.dicom.seg.dicom_out import RiskOut
from fedbundle.errors import InputError
from fedbundle.site.labels.table import CellError, columns_of, value_of

Factors = dict[str, int | float | None]  # column -> number, None where it is not known


def read_factors(path: Path | None, wanted: RiskOut, rules: dict[str, Any]) -> Factors:
    """What is known; all None without a file.

    Args:
        path: CSV with a header and one row, or JSON with one object; what is absent, empty or null is not known.
        wanted: names the factors.
        rules: configs/ingest.json, whose table says which numbers a factor may have.

    Raises:
        InputError: it cannot be read, names something else than the factors, or a value breaks the rule of its column;
            the message tells the rule, never the value.
    """
    cells = _cells(path) if path else {}
    if unknown := sorted(cells.keys() - wanted.factors.keys()):
        raise InputError(
            f"factors must be some of {', '.join(wanted.factors)}, got {unknown[0]!r}; take it out of {path}"
        )
    columns, found = columns_of(rules), Factors()
    for name in wanted.factors:
        cell = cells.get(name, "")
        try:
            found[name] = value_of(cell, columns[name]) if cell else None
        except CellError as error:
            raise InputError(f"{name} must be {error}, got another value; mend {path}") from None
    return found


def _cells(path: Path) -> dict[str, str]:
    try:
        content = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return _of_json(json.loads(content), path)
        rows = [row for row in csv.reader(content.splitlines(), strict=True) if row]
    except OSError as error:
        raise InputError(
            f"factors must be a readable file, got {error.strerror} for {path}; check --factors"
        ) from error
    except (ValueError, csv.Error) as error:
        raise InputError(f"factors must be CSV or JSON in UTF-8, got another file in {path}; mend it") from error
    if len(rows) != 2 or len(rows[0]) != len(rows[1]) or len(set(rows[0])) < len(rows[0]):
        raise InputError(f"factors must be a header and one row of as many cells, got {len(rows)} rows; mend {path}")
    return {name.strip(): cell.strip() for name, cell in zip(*rows, strict=True)}


def _of_json(content: Any, path: Path) -> dict[str, str]:
    if not isinstance(content, dict):
        raise InputError(f"factors must be one JSON object, got {type(content).__name__}; mend {path}")
    for name, value in content.items():
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float | str)):
            raise InputError(f"{name} must be a number or null, got {type(value).__name__}; mend {path}")
    return {name: "" if value is None else str(value).strip() for name, value in content.items()}
