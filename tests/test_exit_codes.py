"""Every exit code has one class and one page, and no page tells of a code that is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedbundle import errors
from fedbundle.cli import INTERRUPTED
from fedbundle.errors import FedbundleError

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference" / "exit-codes"
SHELL_CODES = {2, INTERRUPTED}  # usage error, and Ctrl-C
HEADINGS = ["## Meaning", "## Typical causes", "## What to do"]


def tree(kind: type[FedbundleError] = FedbundleError) -> Iterator[type[FedbundleError]]:
    """The class and all below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


CLASSES = {kind for kind in tree() if kind.__module__ == errors.__name__}
CODES = sorted({kind.code for kind in CLASSES} | SHELL_CODES)


def test_each_class_has_its_own_code() -> None:
    assert all("code" in vars(kind) for kind in CLASSES)
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)
    assert not {kind.code for kind in CLASSES} & SHELL_CODES


def test_the_tree_drawn_in_the_module_is_the_real_one() -> None:
    drawn = re.findall(r"(\w+Error) +(\d+)  (.+)", str(errors.__doc__))
    assert {(name, int(code)) for name, code, _ in drawn} == {(kind.__name__, kind.code) for kind in CLASSES}
    told = {name: text for name, _, text in drawn if name != "FedbundleError"}
    assert all(str(getattr(errors, name).__doc__).lower() == f"{text}.".lower() for name, text in told.items())


def gives_code(kind: ast.ClassDef) -> bool:
    """Whether the body of a class assigns `code`."""
    assigned = [line.target for line in kind.body if isinstance(line, ast.AnnAssign)]
    assigned += [target for line in kind.body if isinstance(line, ast.Assign) for target in line.targets]
    return any(isinstance(target, ast.Name) and target.id == "code" for target in assigned)


def test_exit_codes_are_given_in_the_one_module() -> None:
    for file in Path(str(errors.__file__)).parent.rglob("*.py"):
        classes = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef))
        ours = (kind for kind in classes if {ast.unparse(base) for base in kind.bases} & set(vars(errors)))
        own = [kind.name for kind in ours if gives_code(kind)]
        assert not own or file.name == "errors.py", f"{own} of {file} must take the code of their base class"


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_page(code: int) -> None:
    lines = (PAGES / f"{code}.md").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(rf"# {code}: .+", lines[0])
    assert [line for line in lines if line.startswith("## ")] == HEADINGS


def test_no_page_tells_of_a_code_that_is_gone() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {"README", *map(str, CODES)}


def test_the_index_lists_every_code() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| \[(\d+)\]\(\1\.md\) \|", index, re.MULTILINE)] == CODES
