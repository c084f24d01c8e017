"""Answers survive the way to the server; whatever else arrives there is a failure with a reason."""

import numpy as np
import pytest
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.app_common.decomposers.numpy_decomposers import NumpyArrayDecomposer
from nvflare.fuel.utils import fobs

from fedbundle.flare.answer import EVALUATED, FAILED, REFUSED, USED, Answer, unpack


@pytest.fixture(autouse=True)
def numpy_travels() -> None:
    """NVFlare's job processes register this at their start; never reset: sessions of later tests need theirs."""
    fobs.register(NumpyArrayDecomposer)


def arrived(answer: Answer) -> Answer:
    """Packed, serialised as NVFlare sends it, and unpacked."""
    return unpack(fobs.loads(fobs.dumps(answer.to_shareable())))


def test_weights_and_report_arrive() -> None:
    answer = arrived(Answer(USED, steps=3, weight=7.0, params={"a": np.ones(2, np.float32)}))
    assert (answer.status, answer.steps, answer.weight) == (USED, 3, 7.0)
    np.testing.assert_array_equal(answer.params["a"], [1, 1])


def test_a_refusal_arrives_with_its_reason() -> None:
    answer = arrived(Answer(REFUSED, "not approved", 42))
    assert (answer.status, answer.reason, answer.code) == (REFUSED, "not approved", 42)


def test_weights_of_a_refusal_never_leave() -> None:
    assert not arrived(Answer(REFUSED, "no", params={"a": np.ones(2)})).params


def test_an_evaluation_carries_no_weights() -> None:
    assert not arrived(Answer(EVALUATED, metrics={"val_mean_dice": {"value": 0.5, "n": 10}})).params


@pytest.mark.parametrize("reply", [Shareable(), make_reply("EXECUTION_EXCEPTION"), make_reply("OK")])
def test_anything_else_is_a_failure(reply: Shareable) -> None:
    answer = unpack(reply)
    assert answer.status == FAILED
    assert answer.reason
