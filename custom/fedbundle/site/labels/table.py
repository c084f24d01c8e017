"""The bundle's table: which columns it declares, and what a cell of the CSV means as a number."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fedbundle.errors import BundleError
from fedbundle.site.labels.study import Row

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)
AS_FLOAT = re.compile(r"([0-9]+)\.0+\Z")  # as spreadsheets write the numbers of a column with an empty cell
EVENTS = {"0": "censored", "1": "event", "2": "competing event"}
SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}  # as Image Laterality (0020,0062) codes them
SIDE = "laterality"


class CellError(ValueError):
    """A cell breaks a rule; the text is the rule, never the cell."""


def columns_of(rules: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Columns that the bundle declares; empty when it wants no table.

    Raises:
        BundleError: a column has the name of an image or mask of the datalist, or is to end with one that is none.
    """
    columns: dict[str, dict[str, Any]] = rules.get("table", {}).get("columns", {})
    taken = {*rules["inputs"], *([rules["label"]["key"]] if "label" in rules else [])}
    if both := sorted(taken & columns.keys()):
        raise BundleError(f"table of configs/ingest.json must have columns of its own, got {both[0]}; rename it")
    for name, column in columns.items():
        if (end := column.get("not_after", name)) != name and columns.get(end, {}).get("type") != "number":
            raise BundleError(f"not_after of {name} must be a column of type number, got {end!r}; mend the table")
    return columns


def no_mask_needed(row: Mapping[str, Any], rules: Mapping[str, Any]) -> bool:
    """Nothing is drawn on a study with this row, so its mask is empty (`empty_where` of `label`)."""
    wanted: Mapping[str, list[int]] = rules.get("label", {}).get("empty_where", {})
    return bool(wanted) and all(row.get(name) in values for name, values in wanted.items())


def closed_to(row: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, str]:
    """Sections where a case with this row may not be -> the rule; what is not known counts as another value.

    Raises:
        BundleError: `only` names a column or value that the table does not have.
    """
    closed = {}
    for section, wanted in rules.get("only", {}).items():
        for name, values in wanted.items():
            meanings = rules.get("table", {}).get("columns", {}).get(name, {}).get("values", {})
            if unknown := [value for value in values if str(value) not in meanings]:
                raise BundleError(
                    f"only of configs/ingest.json must name its categories, got {unknown[0]} of {name}; mend it"
                )
            if row.get(name) not in values:
                told = " or ".join(f"{value} ({meanings[str(value)]})" for value in values)
                closed[section] = f"{name} must be {told} in the section {section}"
    return closed


def per_side(rules: dict[str, Any]) -> bool:
    """The table has one row per study and side of the body."""
    return bool(rules.get("table", {}).get("per") == "side")


def value_of(cell: str, column: dict[str, Any]) -> int | float | None:
    """What a cell means; None when it is empty and the column may be.

    Raises:
        CellError: it breaks the column's rule.
    """
    if not cell:
        if column.get("missing"):
            return None
        raise CellError("not empty")
    return TYPES[column["type"]](cell, column)


def row_of(cells: dict[str, str], rules: dict[str, Any]) -> Row:
    """One row of the table.

    Raises:
        CellError: a cell breaks its column's rule; the text names the column.
    """
    row: Row = {}
    if per_side(rules):
        row[SIDE] = _side(cells[SIDE])
    for name, column in columns_of(rules).items():
        try:
            row[name] = value_of(cells.get(name, ""), column)
        except CellError as error:
            raise CellError(f"{name} must be {error}") from None
    if too_late := late(row, rules):
        raise CellError(too_late)
    return row


def late(row: Row, rules: dict[str, Any]) -> str:
    """The rule that a time of this row breaks which lies after the end of follow-up, where that is known; or ""."""
    for name, column in columns_of(rules).items():
        time, end = row.get(name), row.get(column.get("not_after", ""))
        if isinstance(time, int | float) and isinstance(end, int | float) and time > end:
            return f"{name} must be a time up to {column['not_after']}"
    return ""


def _side(cell: str) -> str:
    if cell.lower() not in SIDES:
        raise CellError(f"{SIDE} must be left or right")
    return SIDES[cell.lower()]


def _category(cell: str, column: dict[str, Any]) -> int:
    whole = AS_FLOAT.sub(r"\1", cell)
    values = column["values"].items()
    found = {int(value) for value, meaning in values if value == whole or cell.lower() in (value, meaning.lower())}
    if len(found) != 1:
        *others, last = (f'{value} ("{meaning}")' for value, meaning in values)
        raise CellError(f"{', '.join(others)} or {last}" if others else last)
    return found.pop()


def _number(cell: str, column: dict[str, Any]) -> float:
    low, high = column["min"], column["max"]
    found = float(cell) if NUMBER.fullmatch(cell) else None
    if found is None or not low <= found <= high:
        raise CellError(f"a number from {low:g} to {high:g} with a decimal point")
    return found


def _integer(cell: str, column: dict[str, Any]) -> int:
    found = _number(cell, column)
    if not found.is_integer():
        raise CellError(f"a whole number from {column['min']:g} to {column['max']:g}")
    return int(found)


def _time(cell: str, column: dict[str, Any]) -> float:
    found = float(cell) if NUMBER.fullmatch(cell) else 0.0
    if not 0 < found <= column["max"]:
        raise CellError(f"a time above 0 and up to {column['max']:g} {column['unit']}")
    return found


def _event(cell: str, column: dict[str, Any]) -> int:
    values = column.get("values", EVENTS)
    if cell not in values:
        raise CellError(f"one of {', '.join(values)}")
    return int(cell)


TYPES: dict[str, Callable[[str, dict[str, Any]], int | float]] = {
    "category": _category,
    "number": _number,
    "integer": _integer,
    "time": _time,
    "event": _event,
}
