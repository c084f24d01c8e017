"""Training and inference are one recipe: what both declare as plain data is the same."""

import json
from collections.abc import Iterator
from typing import Any

from fedbundle.check.finding import Problem
from fedbundle.check.subject import INFERENCE, TRAIN, Subject
from fedbundle.check.walk import walk

LONGEST = 80  # characters of a value that is told
APART = frozenset({"bundle_root", "imports", "initialize", "run", "finalize"})


def one_recipe(bundle: Subject) -> Iterator[Problem]:
    """Network, spacing, field, patch: every key of both without an expression in it."""
    train, inference = bundle.json(TRAIN), bundle.json(INFERENCE)
    apart = {key for key in train if key != "network_def"} if bundle.stock else APART
    shared = [key for key in train if key in inference and key not in apart and _plain(train[key])]
    for key in shared:
        for place, here, there in _differences(key, inference[key], train[key]):
            told = f"must be one value, got {here} in {INFERENCE}, {there} in {TRAIN}; make them one"
            yield Problem(INFERENCE, place, told)
    bundle.tell(", ".join(shared))


def _plain(value: Any) -> bool:
    return not any(isinstance(part, str) and part[:1] in ("$", "@", "%") for _, part in walk(value))


def _differences(key: str, here: Any, there: Any) -> Iterator[tuple[str, str, str]]:
    """Keys below `key` whose values differ, and both values as JSON."""
    if isinstance(here, dict) and isinstance(there, dict):
        for name in here | there:
            if name not in here or name not in there:
                yield f"{key}#{name}", _told(here.get(name)), _told(there.get(name))
            else:
                yield from _differences(f"{key}#{name}", here[name], there[name])
    elif here != there:
        yield key, _told(here), _told(there)


def _told(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
