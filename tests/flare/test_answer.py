"""Answers survive the way to the server; whatever else arrives there is a failure with a reason."""

import numpy as np
import pytest
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.app_common.abstract.fl_model import FLModel
from nvflare.app_common.decomposers.numpy_decomposers import NumpyArrayDecomposer
from nvflare.app_common.utils.fl_model_utils import FLModelUtils
from nvflare.fuel.utils import fobs

from fedbundle.errors import DatasetError
from fedbundle.flare.answer import EVALUATED, FAILED, META_KEY, REFUSED, USED, Answer, told, unpack


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


@pytest.mark.parametrize(
    "told",
    [
        {"status": "used", "weight": float("inf")},
        {"status": "used", "weight": "9"},
        {"status": "used", "weight": -1.0},
        {"status": "splendid"},
        {"status": "failed", "reason": "x" * 5000},
        {"status": "evaluated", "metrics": {"val_mean_dice": {"value": float("nan"), "n": 3}}},
        {"status": "evaluated", "metrics": {"seen: Doe^Jane": {"value": 1.0, "n": 3}}},
        {"status": "evaluated", "cases": {"offered": 1, "used": 1, "dropped": {"Doe^Jane": 1}}},
        {"status": "evaluated", "note": "anything"},
        ["used"],
    ],
)
def test_what_does_not_keep_the_schema_of_the_ledger_is_a_failure(told: object) -> None:
    model = FLModel(params={"a": np.ones(2, np.float32)}, meta={META_KEY: told})
    answer = unpack(FLModelUtils.to_shareable(model))
    assert (answer.status, answer.params) == (FAILED, {})
    assert "schema of the ledger" in answer.reason


@pytest.mark.parametrize("params", [{"a": np.array(["x"])}, {"a": [1.0]}, {"a": None}])
def test_weights_are_numeric_arrays(params: dict[str, object]) -> None:
    model = FLModel(params=params, meta={META_KEY: {"status": "used", "weight": 1.0}})
    assert unpack(FLModelUtils.to_shareable(model)).status == FAILED


@pytest.mark.parametrize(
    ("message", "leaves"),
    [
        ("/srv/site a/datalist.json must be JSON, got: no; see docs/a.md", "* must be JSON, got: no; see docs/a.md"),
        ("kit must point to a site home, got '/home/doe jane/kit'", "kit must point to a site home, got '*'"),
        (
            "out must be new, got /mnt/doe jane/x with other files; choose",
            "out must be new, got * with other files; choose",
        ),
        ("at most 5% may be lost, got 7%; ingest again", "at most 5% may be lost, got 7%; ingest again"),
    ],
)
def test_paths_of_a_hospital_stay_there(message: str, leaves: str) -> None:
    assert told(DatasetError(message)) == leaves.replace("*", "(path withheld)")


@pytest.mark.parametrize("reply", [Shareable(), make_reply("EXECUTION_EXCEPTION"), make_reply("OK")])
def test_anything_else_is_a_failure(reply: Shareable) -> None:
    answer = unpack(reply)
    assert answer.status == FAILED
    assert answer.reason
