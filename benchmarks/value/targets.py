"""What a target asks, and whether it was met."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from value.ways import POOLED

if TYPE_CHECKING:
    from value.compare import Estimate, Results

OTHERS = "local, other sites' patients"
MEAN, WORST, UNSEEN = "over all sites", "at the worst site", "at the unseen site"


@dataclass(frozen=True)
class Verdict:
    """A target, what was found, and whether it was met."""

    target: str
    found: "Estimate"
    met: bool


class Target(Protocol):
    """Written down before a run."""

    def verdict(self, results: "Results") -> Verdict:
        """Whether the results meet it."""


@dataclass(frozen=True)
class AtLeast:
    """An arm lies at most a margin below another; the point estimate decides, its interval is told."""

    arm: str
    other: str
    margin: float
    sites: tuple[str, ...] = ()  # default: all that trained

    def verdict(self, results: "Results") -> Verdict:
        """Mean over sites."""
        found = results.mean(self.arm, self.sites) - results.mean(self.other, self.sites)
        where = f", at {' and '.join(self.sites)}" if self.sites else ""
        return Verdict(f"{self.arm} at least {self.other} - {self.margin:g}{where}", found, found.value >= -self.margin)


@dataclass(frozen=True)
class Above:
    """An arm lies above another, and the interval of the paired difference excludes 0."""

    arm: str
    other: str
    place: str = MEAN

    def verdict(self, results: "Results") -> Verdict:
        """At one place."""
        found = results.at(self.arm, self.place) - results.at(self.other, self.place)
        return Verdict(f"{self.arm} above {self.other}, {self.place}", found, found.low > 0)


def standard(arm: str, margin: float) -> tuple[Target, ...]:
    """Not far below pooled training, and above what the other hospitals' models give, there and elsewhere."""
    return (AtLeast(arm, POOLED, margin), Above(arm, OTHERS), Above(arm, OTHERS, UNSEEN))
