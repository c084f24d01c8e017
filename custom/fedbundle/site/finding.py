"""One thing that doctor looked at."""

from collections.abc import Callable
from dataclasses import dataclass

from fedbundle.errors import FedbundleError


@dataclass(frozen=True)
class Finding:
    """What was found, and when it is not well, what to do."""

    ok: bool
    subject: str
    message: str


def examined(subject: str, check: Callable[[], str]) -> Finding:
    """Run a check that returns what is well, or raises one of our errors for what is not."""
    try:
        return Finding(True, subject, check())
    except FedbundleError as error:
        return Finding(False, subject, str(error))
