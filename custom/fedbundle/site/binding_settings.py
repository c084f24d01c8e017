"""`[bindings.<bundle>]` of site.toml: where a stock bundle finds this hospital's data, by the ids that it uses."""

import re
from collections.abc import Callable
from typing import Any

from fedbundle.bundle.ids import is_plain
from fedbundle.bundle.layout import NAME
from fedbundle.errors import SiteError

SECTIONS = ("training", "validation", "test")
ID = re.compile(r"[A-Za-z_]\w*(#\w+)*", re.ASCII)
NEEDED = ("dataset_dir", "datalist")


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _id(value: Any) -> bool:
    return isinstance(value, str) and bool(ID.fullmatch(value))


Rule = tuple[str, Callable[[Any], bool]]
KEYS: dict[str, Rule] = {
    "dataset_dir": ("a folder", _text),
    "datalist": ("a file", _text),
    "patient": ("a key of the datalist's items", _text),
    "training": ("an id such as train#dataset#data", _id),
    "validation": ("an id such as validate#dataset#data", _id),
    "sections": (
        f"a table of {', '.join(SECTIONS)} with their names in the datalist",
        lambda value: isinstance(value, dict) and set(value) <= set(SECTIONS) and all(map(_text, value.values())),
    ),
    "values": (
        "a table of ids with numbers, true, false or texts, none of which begins with $, @ or %",
        lambda value: isinstance(value, dict) and all(_id(key) and is_plain(each) for key, each in value.items()),
    ),
}


def check_bindings(bindings: dict[str, Any]) -> None:
    """Check the table: bundle -> key -> value.

    Raises:
        SiteError: a key is unknown or missing, or a value is of the wrong kind.
    """
    for bundle, table in bindings.items():
        place = f"bindings.{bundle}"
        if not NAME.fullmatch(bundle) or not isinstance(table, dict):
            raise _wrong(place, "a table named like a bundle", table)
        for key in table:
            if key not in KEYS:
                raise SiteError(
                    f"site.toml must hold known keys only, got {f'{place}.{key}'!r}; known there are {', '.join(KEYS)}"
                )
        for key in (*NEEDED, *table):
            rule, holds = KEYS[key]
            if not holds(table.get(key)):
                raise _wrong(f"{place}.{key}", rule, table.get(key))


def _wrong(place: str, rule: str, value: Any) -> SiteError:
    return SiteError(f"{place} in site.toml must be {rule}, got {value!r}; mend the file")
