"""A round ends when nothing more is to be waited for."""

import time

import pytest

from fedbundle.flare.answer import EVALUATED, REFUSED, Answer
from fedbundle.flare.waits import Round, Waits


def waits(**changed: float) -> Waits:
    return Waits(
        **{"quorum": 2, "round_timeout": 60, "straggler_wait": 60, "silence_limit": 20, "start_wait": 60} | changed
    )


def test_all_answers_end_it() -> None:
    this = Round(waits(), ["a", "b", "c"])
    this.answers |= {"a": Answer(EVALUATED), "b": Answer(EVALUATED)}
    assert not this.over()
    this.answers["c"] = Answer(REFUSED, "not approved")
    assert this.over()


def test_stragglers_are_waited_for_a_while_after_the_quorum() -> None:
    this = Round(waits(straggler_wait=0.05), ["a", "b", "c"])
    this.answers |= {"a": Answer(EVALUATED), "b": Answer(EVALUATED)}
    assert not this.over()
    time.sleep(0.06)
    assert this.over()
    assert this.close()["c"].status == "late"


def test_refusals_do_not_count_for_the_quorum() -> None:
    this = Round(waits(straggler_wait=0), ["a", "b", "c"])
    this.answers |= {"a": Answer(EVALUATED), "b": Answer(REFUSED)}
    assert not this.over()


def test_no_answer_at_all_ends_by_the_timeout() -> None:
    this = Round(waits(round_timeout=1), ["a", "b"])
    this.started -= 2
    assert this.over()
    assert {answer.status for answer in this.close().values()} == {"late"}


def test_quorum_is_a_number_of_sites() -> None:
    with pytest.raises(ValueError, match="quorum must be a whole number"):
        waits(quorum=0)
