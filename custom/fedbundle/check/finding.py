"""What a rule finds, and how it stops early."""

from dataclasses import asdict, dataclass
from typing import Any

OK, FAILED, NOT_TRIED, EXEMPT = "ok", "FAILED", "not tried", "exempt"


@dataclass(frozen=True)
class Problem:
    """One place where a bundle breaks a rule."""

    file: str  # relative to the bundle
    key: str  # path in that file, parts joined by #; "" = the file as a whole
    message: str

    def text(self) -> str:
        """One line."""
        return f"{' '.join(part for part in (self.file, self.key) if part)}: {self.message}"


@dataclass(frozen=True)
class Finding:
    """What one rule found."""

    rule: str
    result: str  # OK, FAILED, NOT_TRIED or EXEMPT
    seconds: float
    told: str = ""  # a figure, or why it was not tried or cannot apply
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Finding":
        """Back from JSON."""
        return cls(**data | {"problems": tuple(Problem(**problem) for problem in data["problems"])})


class NotTriedError(Exception):
    """A rule cannot be tried here; the message says why."""


class ExemptError(Exception):
    """A rule cannot apply to a stock bundle; the message says why."""


class BrokenError(Exception):
    """A rule is broken at one place, and nothing more can be said of it."""

    def __init__(self, file: str, key: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(file, key, message)
