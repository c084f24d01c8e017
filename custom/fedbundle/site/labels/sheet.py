"""The CSV of `--labels`: masks and table values by study, read strictly; faults are told by line, never by value."""

import csv
import re
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.site.labels.study import Labels, Row, StudyLabels
from fedbundle.site.labels.table import SIDE, CellError, columns_of, no_mask_needed, per_side, row_of

STUDY, MASK = "study_instance_uid", "mask"
Cells = dict[str, str]
UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def read_sheet(path: Path, rules: dict[str, Any]) -> Labels:
    """Read the CSV; paths of masks are relative to its folder.

    A value that breaks its column's rule is the fault of its study alone. Columns nobody asked for are left out and
    named in `warnings`.

    Args:
        path: CSV in UTF-8, separated by commas.
        rules: content of the bundle's configs/ingest.json; `label` asks for masks, `table` for columns.

    Raises:
        InputError: unreadable, a column is missing, a row names no study or no mask, or a study stands there twice.
        BundleError: the bundle's table cannot be used.
    """
    columns = columns_of(rules)
    needed = [STUDY, *([MASK] if "label" in rules else []), *([SIDE] if per_side(rules) else [])]
    needed += [name for name, column in columns.items() if not column.get("missing")]
    header, lines = _read(path)
    _check_header(header, needed)
    studies: dict[str, StudyLabels] = {}
    for number, cells in enumerate(lines, start=2):
        study = cells[STUDY]
        mask = path.parent / cells[MASK] if "label" in rules and cells[MASK] else None
        row, fault = _row(cells, len(header), rules)
        if told := _misplaced(study, mask, row, studies, rules):
            raise InputError(f"labels must name one mask and one row per study, got {told} in line {number}; mend it")
        before = studies.get(study, StudyLabels())
        fault = before.fault or (fault and f"line {number} of the labels: {fault}")
        studies[study] = StudyLabels((mask,) if mask else (), (*before.rows, row) if row else before.rows, fault)
    return Labels(studies, _warnings(header, needed, columns))


def _read(path: Path) -> tuple[list[str], list[Cells]]:
    """Names of the columns, and the rows below them; a row that is too long or too short has the key "" as well."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [*csv.reader(file, strict=True)] or [[]]
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "no CSV in UTF-8"
        raise InputError(f"labels must be a readable CSV file, got {reason} for {path}; check --labels") from error
    header = [name.strip() for name in header]
    lines = []
    for cells in filter(None, rows):
        line = dict(zip(header, [*(cell.strip() for cell in cells), *[""] * len(header)], strict=False))
        lines.append(line if len(cells) == len(header) else line | {"": f"{len(cells)} cells"})
    return header, lines


def _check_header(header: list[str], needed: list[str]) -> None:
    if absent := [name for name in needed if name not in header]:
        raise InputError(
            f"labels must have the columns {', '.join(needed)}, separated by commas, but column "
            f"{absent[0]} is missing; mend the first line, which must name them (a semicolon separates nothing)"
        )
    if len(set(header)) < len(header):
        raise InputError("labels must have each column once, got one twice; mend the first line")


def _row(cells: Cells, count: int, rules: dict[str, Any]) -> tuple[Row, str]:
    """Values of the bundle's table and, when they cannot be used, why."""
    if "" in cells:
        return {}, f"it has {cells['']}, the first line has {count}"
    try:
        return row_of(cells, rules), ""
    except CellError as error:
        return {}, str(error)


def _misplaced(study: str, mask: Path | None, row: Row, studies: dict[str, StudyLabels], rules: dict[str, Any]) -> str:
    """What is wrong with a row, after those in `studies`."""
    if not study or ("label" in rules and mask is None and not no_mask_needed(row, rules)):
        return "an empty cell"
    if not UID.fullmatch(study):
        return "a study that is no UID (spreadsheets turn them into numbers such as 1.2E+25)"
    before = studies.get(study)
    if before is None:
        return "the mask of another study" if mask and any(mask in other.files for other in studies.values()) else ""
    if not per_side(rules):
        return "a study that stands there already"
    if row and any(row[SIDE] == other[SIDE] for other in before.rows):
        return "a study and side that stand there already"
    return "another mask for the same study" if mask and mask not in before.files else ""


def _warnings(header: list[str], needed: list[str], columns: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    unknown = [name for name in header if name not in {*needed, *columns}]
    lacking = [name for name in columns if name not in header]
    return (
        *(f"column {name!r} of the labels is not in the bundle's table and is left out" for name in unknown),
        *(
            f"column {name!r} of the bundle's table is not in the labels; its value is missing everywhere"
            for name in lacking
        ),
    )
