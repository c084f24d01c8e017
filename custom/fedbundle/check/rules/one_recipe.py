"""Training and inference are one recipe: what both declare as plain data is the same."""

from collections.abc import Iterator
from typing import Any

from fedbundle.check.finding import Problem
from fedbundle.check.subject import INFERENCE, TRAIN, Subject
from fedbundle.check.walk import walk

APART = frozenset({"bundle_root", "imports", "initialize", "run", "finalize"})


def one_recipe(bundle: Subject) -> Iterator[Problem]:
    """Network, spacing, field, patch: every key of both without an expression in it."""
    train, inference = bundle.json(TRAIN), bundle.json(INFERENCE)
    shared = [key for key in train if key in inference and key not in APART and _plain(train[key])]
    for key in shared:
        if train[key] != inference[key]:
            yield Problem(INFERENCE, key, f"must be as in {TRAIN}, got another value; copy it")
    bundle.tell(", ".join(shared))


def _plain(value: Any) -> bool:
    return not any(isinstance(part, str) and part[:1] in ("$", "@", "%") for _, part in walk(value))
