"""Try rules on a bundle one after the other, in this process; a broken one does not keep others from being tried."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

from fedbundle.bundle.declared import FULL, PHANTOM
from fedbundle.check.finding import (
    EXEMPT,
    FAILED,
    NOT_TRIED,
    OK,
    BrokenError,
    ExemptError,
    Finding,
    NotTriedError,
    Problem,
)
from fedbundle.check.names import NAMES
from fedbundle.check.rules import RULES, Rule
from fedbundle.check.subject import Subject
from fedbundle.errors import BundleError


def examine(
    root: Path,
    scratch: Path,
    size: str = PHANTOM,
    names: Sequence[str] = NAMES,
    began: Callable[[str], object] = str,
) -> Iterator[Finding]:
    """Findings of the rules called `names`, in the order of RULES.

    The bundle's root becomes working directory and the first place for imports, as when MONAI runs it from there. The
    rules behind `targets` run code of the bundle.

    Args:
        root: absolute path of the bundle's folder.
        scratch: folder for synthetic data and results.
        size: of the bundle.
        names: rules to try.
        began: told the name of each rule before it is tried.
    """
    subject = Subject(root, scratch, size)
    with chdir(root), first_import(root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries warn of is not the bundle's
        for name, rule in RULES.items():
            if name in names:
                began(name)
                yield _tried(name, rule, subject)


def _tried(name: str, rule: Rule, subject: Subject) -> Finding:
    started = time.monotonic()
    subject.told.clear()
    problems: list[Problem] = []
    untried = exempt = ""
    try:
        if subject.stock and subject.size == FULL:
            raise ExemptError("a stock bundle has one size")
        for problem in rule(subject):
            problems.append(problem)  # noqa: PERF402 -- what was found before an error is kept
    except NotTriedError as error:
        untried = str(error)
    except ExemptError as error:
        exempt = str(error)
    except BrokenError as error:
        problems.append(error.problem)
    except BundleError as error:
        problems.append(Problem("", "", str(error)))
    except Exception as error:  # a value of a kind that nobody foresaw
        problems.append(
            Problem("", "", f"must be such that the rule {name} can be tried, got {error!r}; mend the configs")
        )
    result = FAILED if problems else NOT_TRIED if untried else EXEMPT if exempt else OK
    return Finding(
        name,
        result,
        round(time.monotonic() - started, 2),
        untried or exempt or "; ".join(subject.told),
        tuple(problems),
    )


@contextmanager
def first_import(root: Path) -> Iterator[None]:
    """The bundle's own packages are found before installed ones; the path is put back afterwards."""
    before = list(sys.path)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path[:] = before
