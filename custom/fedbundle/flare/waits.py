"""The finite waits of a round, and when it is over."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from fedbundle.flare.answer import LATE, Answer
from fedbundle.flare.names import checked_count, checked_seconds


@dataclass(frozen=True)
class Waits:
    """How many answers are enough and how long to wait for the others; times in seconds."""

    quorum: int
    round_timeout: float  # a round takes at most this long
    straggler_wait: float  # for the others once the quorum has answered
    silence_limit: float  # without a sign of life a site counts as gone
    start_wait: float  # for a site's job process to start before silence counts

    def __post_init__(self) -> None:
        checked_count("quorum", self.quorum, 1, 1000)
        checked_seconds("round_timeout", self.round_timeout, 1, 7 * 86400)
        checked_seconds("straggler_wait", self.straggler_wait, 0, 7 * 86400)
        checked_seconds("silence_limit", self.silence_limit, 5, 3600)
        checked_seconds("start_wait", self.start_wait, 5, 3600)


class Round:
    """The clock of one round: takes answers, says when it is over."""

    def __init__(self, waits: Waits, sites: list[str]) -> None:
        self.waits, self.sites = waits, list(sites)
        self.answers: dict[str, Answer] = {}
        self.started = time.monotonic()
        self._quorum_at: float | None = None

    @property
    def seconds(self) -> float:
        """Time since the task was sent."""
        return time.monotonic() - self.started

    def missing(self) -> list[str]:
        """Sites that have neither answered nor been given up."""
        return [site for site in self.sites if site not in self.answers]

    def over(self) -> bool:
        """Whether nothing more is to be waited for."""
        if self._quorum_at is None and count_done(self.answers) >= self.waits.quorum:
            self._quorum_at = self.seconds
        stragglers = self._quorum_at is not None and self.seconds - self._quorum_at > self.waits.straggler_wait
        return not self.missing() or stragglers or self.seconds > self.waits.round_timeout

    def close(self) -> dict[str, Answer]:
        """The answers of all sites; who has not answered is late."""
        late = Answer(LATE, f"no answer {self.seconds:.0f} s after the task was sent")
        return {site: self.answers.get(site, late) for site in self.sites}


def count_done(answers: Mapping[str, Answer]) -> int:
    """Sites that did what they were asked."""
    return sum(answer.done for answer in answers.values())
