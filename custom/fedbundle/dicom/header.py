"""Values of a DICOM header, read so that a malformed value counts as absent and never raises."""

import math
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import PersonName

# what pydicom 3 raises when it converts a malformed element
MALFORMED = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, NotImplementedError, struct.error)
# of values that the bytes of the element and the character sets of the data set tell
SIMPLE_VR = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UC"}
    | {"UI", "UL", "US", "UT"}
)
PIXEL_DATA = b"\xe0\x7f\x10\x00"  # tag (7FE0,0010), little endian
SEVERAL = frozenset({tuple, list, MultiValue})


@lru_cache(maxsize=1 << 13)
def tag_of(name: str | int | tuple[int, int]) -> BaseTag:
    """Tag by keyword, number, or group and element: one object for each, which dictionaries find without comparing.

    Raises:
        ValueError: no such keyword.
    """
    return BaseTag(name) if type(name) is int else tag_of(int(Tag(name)))


@contextmanager
def tolerant() -> Iterator[None]:
    """Silence pydicom's warnings about malformed values; they quote the value, which may be a patient's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def value(header: Dataset, name: str | int | tuple[int, int]) -> Any:
    """Value of an element by keyword or tag; None when absent, empty or malformed."""
    try:
        tag = tag_of(name)
        element: object = header.get_item(tag)
        sets = header.original_character_set
        if isinstance(element, RawDataElement) and element.VR in SIMPLE_VR and sets:
            key = sets if isinstance(sets, str) else tuple(sets)
            found = _decoded(tag, element.VR, element.value, element.is_little_endian, key)
        else:
            found = header[tag].value
    except MALFORMED:
        return None
    return None if isinstance(found, str | bytes | PersonName) and not found else found


@lru_cache(maxsize=1 << 14)  # the slices of a series tell most of it alike
def _decoded(tag: BaseTag, vr: str, content: bytes | None, little_endian: bool, sets: str | tuple[str, ...]) -> Any:
    """Value of a raw element, which stays raw in its header; several values as a tuple."""
    raw = RawDataElement(tag, vr, len(content or b""), content, 0, False, little_endian)
    found = convert_raw_data_element(raw, encoding=sets if isinstance(sets, str) else list(sets)).value
    return tuple(found) if isinstance(found, MultiValue) else found


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
    return tuple(found) if type(found) in SEVERAL else (found,)


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
