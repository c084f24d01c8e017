"""What a target asks, and whether it was met."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from value.ways import POOLED

if TYPE_CHECKING:
    from value.compare import Estimate, Results

OTHERS, OWN = "local, other sites' patients", "local, own patients"
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
    metric: str = ""  # default: the task's

    def verdict(self, results: "Results") -> Verdict:
        """At one place."""
        found = results.at(self.arm, self.place, self.metric) - results.at(self.other, self.place, self.metric)
        named = f", {self.metric}" if self.metric else ""
        return Verdict(f"{self.arm} above {self.other}, {self.place}{named}", found, found.low > 0)


@dataclass(frozen=True)
class Share:
    """An arm has at least this share of what another gains over chance; the point estimate decides."""

    arm: str
    other: str
    least: float
    chance: float = 0.5

    def verdict(self, results: "Results") -> Verdict:
        """Mean over sites."""
        found = results.mean(self.arm).above(self.chance) / results.mean(self.other).above(self.chance)
        target = f"{self.arm} at least {self.least:g} of what {self.other} has above {self.chance:g}"
        return Verdict(target, found, found.value >= self.least)


@dataclass(frozen=True)
class Within:
    """A metric of an arm lies between two values; the point estimate decides."""

    arm: str
    metric: str
    low: float
    high: float
    everywhere: bool = False  # at each site by itself, where errors of two sites cannot make up for one another

    def verdict(self, results: "Results") -> Verdict:
        """Mean over sites, or the site that is farthest from the middle."""
        found, where = results.mean(self.arm, metric=self.metric), MEAN
        if self.everywhere:
            middle, where = (self.low + self.high) / 2, "at every site"
            found = max(results.at_sites(self.arm, self.metric), key=lambda each: abs(each.value - middle))
        target = f"{self.metric} of {self.arm} from {self.low:g} to {self.high:g}, {where}"
        return Verdict(target, found, self.low <= found.value <= self.high)


def standard(arm: str, margin: float) -> tuple[Target, ...]:
    """Not far below pooled training, and above what the other hospitals' models give, there and elsewhere."""
    return (AtLeast(arm, POOLED, margin), Above(arm, OTHERS), Above(arm, OTHERS, UNSEEN))
