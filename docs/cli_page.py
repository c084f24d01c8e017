"""Write docs/reference/cli.md from the command line itself; `--check` only compares."""

import ast
import inspect
import sys
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from pathlib import Path
from typing import Annotated, get_args, get_origin

from fedbundle.cli import ROLES, VERBS
from fedbundle.verbs.base import Verb

PAGE = Path(__file__).parent / "reference" / "cli.md"
HEAD = """\
# Command line

<!-- Written by docs/cli_page.py; `make docs` renews it and a test compares it. -->

`fedbundle VERB ...`; `fedbundle VERB --help` shows the same. With `--json` a verb prints one JSON object, also for an
error, but for a command line that cannot be understood (exit code 2). The exit code is 0 only when all that was asked
is done; every other code has [its page](exit-codes/README.md).
Verbs with `--site` take the site home from the environment variable `FEDBUNDLE_SITE` when it is not given.
"""


def page() -> str:
    """The whole page: roles, their verbs, the arguments of each."""
    parts = [HEAD]
    for role in ROLES:
        parts.append(f"## {'Everyone' if role == 'all' else role.capitalize()}\n")
        parts += [_verb(name, verb) for name, verb in VERBS.items() if verb.role == role]
    return "\n".join(parts)


def _verb(name: str, verb: type[Verb]) -> str:
    told = (field for field in fields(verb) if field.init and field.name != "json")  # --json: told by the page's head
    rows = sorted((_row(verb, field) for field in told), key=lambda row: not row[0])
    positional = "".join(f" {label.strip('`')}" for first, label, _ in rows if first)
    table = "\n".join(f"| {label} | {text} |" for _, label, text in rows)
    return f"### `fedbundle {name}{positional}`\n\n{verb.__doc__}\n\n| argument | meaning |\n|---|---|\n{table}\n"


def _row(verb: type[Verb], field: "Field[object]") -> tuple[bool, str, str]:
    """Whether it is positional, how it is written, what it means."""
    positional = get_origin(field.type) is Annotated
    flag = f"--{field.name.replace('_', '-')}"
    label = field.name.upper() if positional else flag + ("" if field.type is bool else f" {_kind(field.type)}")
    text = _docstrings(verb)[field.name]
    if field.default is MISSING:
        text += "" if positional else " Required."
    elif field.default is not None and field.type is not bool:
        text += f" Default: `{field.default}`."
    return positional, f"`{label}`", text.replace("<", "&lt;")


def _kind(kind: object) -> str:
    known = [option for option in get_args(kind) or (kind,) if option is not type(None)]
    return {Path: "PATH", str: "TEXT", int: "N"}[known[0]]


def _docstrings(verb: type[Verb]) -> dict[str, str]:
    """The string below each field, also of base classes: name -> text."""
    found: dict[str, str] = {}
    for kind in reversed(verb.__mro__[:-1]):
        body = ast.parse(inspect.getsource(kind)).body[0].body  # type: ignore[attr-defined]
        for statement, after in pairwise(body):
            if isinstance(statement, ast.AnnAssign) and isinstance(after, ast.Expr):
                found[statement.target.id] = " ".join(ast.literal_eval(after.value).split())  # type: ignore[union-attr]
    return found


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is as it should be."""
    if "--check" in arguments:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        sys.stdout.write("" if fresh else f"{PAGE.name} must tell the command line as it is; run make docs\n")
        return 0 if fresh else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
