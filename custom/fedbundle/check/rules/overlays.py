"""Overlays lie upon something: each key that evaluate, multi_gpu_train and full set is known to their base."""

from collections.abc import Iterator
from typing import Any

from monai.bundle import ReferenceResolver

from fedbundle.check.finding import Problem
from fedbundle.check.subject import (
    EVALUATE,
    FULL_SIZE,
    INFERENCE,
    SEPARATOR,
    SEVERAL_GPUS,
    TRAIN,
    Subject,
    normal,
    written,
)
from fedbundle.check.walk import found, has, walk

RUN = frozenset({"imports", "initialize", "run", "finalize"})  # MONAI's own words, which a base may leave out
LAID = ((EVALUATE, TRAIN), (SEVERAL_GPUS, TRAIN), (FULL_SIZE, TRAIN))


def overlays(bundle: Subject) -> Iterator[Problem]:
    """A key is there in the base, or is an argument of an object there, or is referred to, or is a word of MONAI."""
    for overlay, base in LAID:
        if bundle.stock and not (bundle.root / overlay).is_file():
            continue  # all of them are ours to ask for
        changes, below = bundle.json(overlay), bundle.json(base)
        used = {name for change in (below, changes) for name in _references(change)}
        for key, value in changes.items():
            if problem := _misplaced(key, value, below, used):
                yield Problem(overlay, key, f"{problem} of {base}; mend the key")
    if bundle.stock:
        return
    shared = bundle.json(TRAIN).keys() & bundle.json(INFERENCE).keys()
    for key, value in bundle.json(FULL_SIZE).items():
        known = normal(key.removeprefix("+")).split(SEPARATOR)[0] in shared
        if known and (problem := _misplaced(key, value, bundle.json(INFERENCE), set())):
            yield Problem(FULL_SIZE, key, f"{problem} of {INFERENCE}; mend the key")


def _misplaced(key: str, value: Any, base: dict[str, Any], used: set[str]) -> str:
    """Why `key` cannot be laid over `base`, or ""."""
    name = normal(key.removeprefix("+"))
    above = name.rpartition(SEPARATOR)[0]
    if has(base, name):
        same = not key.startswith("+") or (isinstance(value, list | dict) and type(value) is type(found(base, name)))
        return "" if same else f"must extend a list or an object, got {type(value).__name__} for what is another"
    if key.startswith("+"):
        return "must extend something that is there, got a new key"
    if above and not has(base, above):
        return f"must lie below something that is there, got {written(above)!r}, which is no key"
    if name in RUN or name in used or (above and "_target_" in found(base, above)):
        return ""
    return "must be a known key or be referred to, got one that changes nothing"


def _references(config: dict[str, Any]) -> Iterator[str]:
    """Keys to which anything in `config` refers."""
    for _, value in walk(config):
        if isinstance(value, str):
            yield from ReferenceResolver.match_refs_pattern(value)
