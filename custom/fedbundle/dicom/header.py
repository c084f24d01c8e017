"""Values of a DICOM header, read so that a malformed value counts as absent and never raises."""

import math
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.valuerep import PersonName

# what pydicom 3 raises when it converts a malformed element
MALFORMED = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, NotImplementedError, struct.error)


@contextmanager
def tolerant() -> Iterator[None]:
    """Silence pydicom's warnings about malformed values; they quote the value, which may be a patient's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def value(header: Dataset, name: str | int | tuple[int, int]) -> Any:
    """Value of an element by keyword or tag; None when absent, empty or malformed."""
    try:
        found = header[name].value
    except MALFORMED:
        return None
    return None if isinstance(found, str | bytes | PersonName) and not found else found


def stored(headers: Sequence[Dataset], name: str) -> list[Any]:
    """How each header stores an attribute, not decoded, for comparison only; None where it is absent."""
    tag = tag_for_keyword(name)
    items = [header.get_item(tag) if tag is not None else None for header in headers]
    return [None if item is None else _comparable(item.value) for item in items]


def alike(columns: Sequence[Sequence[Any]]) -> list[list[int]]:
    """Group the headers whose attributes, as `stored` gives them, are the same; indices, in order of first sight."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, key in enumerate(zip(*columns, strict=True)):
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _comparable(stored: Any) -> Any:
    return stored if isinstance(stored, bytes | str | int | float) else repr(stored)


def values(header: Dataset, name: str | int | tuple[int, int]) -> tuple[Any, ...]:
    """All values of an element that may hold several; empty when absent or malformed."""
    found = value(header, name)
    if found is None:
        return ()
    return tuple(found) if isinstance(found, (MultiValue, list, tuple)) else (found,)


def items(header: Dataset, name: str) -> list[Dataset]:
    """Items of a sequence; none when absent or malformed."""
    found = value(header, name)
    return list(found) if isinstance(found, Items) else []


def text(header: Dataset, name: str | int) -> str:
    """First value as text without blanks around it; "" when absent."""
    found = values(header, name)
    return str(found[0]).strip() if found else ""


def codes(header: Dataset, name: str) -> tuple[str, ...]:
    """All values of a code string (CS) in upper case."""
    return tuple(str(found).strip().upper() for found in values(header, name))


def numbers(header: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    try:
        found = tuple(float(item) for item in values(header, name))
    except (ValueError, TypeError, OverflowError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def number(header: Dataset, name: str) -> float | None:
    """One finite number, or None."""
    found = numbers(header, name, 1)
    return found[0] if found else None
