"""Kaplan-Meier and Aalen-Johansen estimates as step functions of time.

Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 53:457 (1958). Aalen OO,
Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored observations. Scand J
Stat 5:141 (1978). At one time events come before censoring.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedblocks.metrics.class_rows import Rows


@dataclass(frozen=True)
class Steps:
    """A step function of time, continuous from the right."""

    times: Rows  # rising
    values: Rows  # from each time on
    before: float

    def at(self, when: ArrayLike) -> Rows:
        """Its values; after the last time that of the last."""
        place = np.searchsorted(self.times, np.asarray(when, np.float64), side="right")
        return np.concatenate([[self.before], self.values])[place]


def survival(time: Rows, event: NDArray[Any]) -> Steps:
    """S(t), the share without the event after t.

    Args:
        time: [case], years.
        event: [case], 1 or true where the event ended follow-up.
    """
    times, at_risk, events = _counts(time, event)
    return Steps(times, np.asarray(np.cumprod(1 - events / at_risk), np.float64), 1.0)


def reaches(time: Rows, event: NDArray[Any], when: float) -> bool:
    """Whether an estimate is known at a time: someone is followed to it, or the last left before by events, so S is 0.

    Args:
        time: [case], years.
        event: [case], not 0 where an event that the estimate counts ended follow-up.
        when: the horizon, years.
    """
    return bool(len(time)) and bool(time.max() >= when or np.all(event[time == time.max()]))


def censoring(time: Rows, event: NDArray[Any]) -> Steps:
    """G(t), the share not censored until t; whose event comes at a time is no longer at risk of censoring then."""
    times, at_risk, events = _counts(time, event)
    _, _, all_there = _counts(time, np.ones(len(time)))
    left = at_risk - events
    ended = all_there - events
    return Steps(times, np.cumprod(1 - np.divide(ended, left, out=np.zeros(len(times)), where=left > 0)), 1.0)


def incidence(time: Rows, event: Rows, of: int) -> Steps:
    """Share of all to whom the event `of` has come until t, others being competing events (Aalen-Johansen).

    Args:
        time: [case], years.
        event: [case], 0 censored, else which event.
        of: the one that is counted.
    """
    times, at_risk, wanted = _counts(time, event == of)
    _, _, any_event = _counts(time, event > 0)
    alive = np.concatenate([[1.0], np.cumprod(1 - any_event / at_risk)])[:-1]
    return Steps(times, np.cumsum(alive * wanted / at_risk), 0.0)


def _counts(time: Rows, event: NDArray[Any]) -> tuple[Rows, Rows, Rows]:
    """Different times, how many are at risk at each, and how many events."""
    times, which = np.unique(time, return_inverse=True)
    there = np.bincount(which, minlength=len(times))
    events = np.bincount(which, np.asarray(event, np.float64), len(times))
    return times, np.asarray(there[::-1].cumsum()[::-1], np.float64), np.asarray(events, np.float64)
