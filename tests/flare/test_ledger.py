"""The ledger: what it says is what its schema publishes, and a lesser run is never exit code 0."""

import json
from pathlib import Path

import jsonschema
import pytest

from fedbundle.cli import main
from fedbundle.errors import FellShortError, InputError
from fedbundle.flare.answer import EVALUATED, REFUSED, SILENT, USED, Answer
from fedbundle.flare.ledger import COMPLETED, FAILED, Ledger, find, render
from fedbundle.flare.quorum import QuorumFedAvg
from fedbundle.flare.schema import schema

DIGEST = "sha256:" + "0" * 64


def written(folder: Path, outcome: str) -> Ledger:
    ledger = Ledger(folder / "ledger.json")
    declared = QuorumFedAvg("tiny", "0.1.0", DIGEST, rounds=1)._declared()
    ledger.open("job-1", declared, ["a", "b", "c"])
    metrics = {"val_mean_dice": {"value": 0.5, "n": "<5"}}
    cases = {"offered": "<18", "used": 13, "dropped": {"FILE_CHANGED": "<5"}}
    used = Answer(USED, cases=cases, steps=7, weight=13.0, metrics=metrics, seconds=1.5, recipe_digest=DIGEST)
    answers = {"a": used, "b": Answer(REFUSED, "not approved", 42), "c": Answer(SILENT, "nothing heard for 20 s")}
    ledger.add_round(0, answers, metric=0.5, weights_digest=DIGEST)
    ledger.add_evaluation("test", {"a": Answer(EVALUATED, metrics=metrics)})
    ledger.select(round=0, metric=0.5, key_metric="val_mean_dice", weights_digest=DIGEST)
    ledger.close(outcome, "" if outcome == COMPLETED else "below the quorum")
    return ledger


@pytest.mark.parametrize("outcome", [COMPLETED, FAILED])
def test_it_follows_its_published_schema(tmp_path: Path, outcome: str) -> None:
    written(tmp_path, outcome)
    jsonschema.validate(json.loads((tmp_path / "ledger.json").read_text()), schema())


def test_the_schema_refuses_what_no_ledger_may_hold(tmp_path: Path) -> None:
    content = written(tmp_path, COMPLETED).content
    content["sites"]["a"]["patient"] = "a name"
    with pytest.raises(jsonschema.ValidationError, match="patient"):
        jsonschema.validate(content, schema())


def test_the_first_verdict_stands(tmp_path: Path) -> None:
    ledger = written(tmp_path, FAILED)
    ledger.close(COMPLETED)
    assert find(tmp_path)["outcome"] == FAILED


def test_the_table_names_every_site_and_why_it_is_out(tmp_path: Path) -> None:
    table = render(written(tmp_path, COMPLETED).content)
    assert "refused not approved" in table
    assert "silent nothing heard for 20 s" in table
    assert "val_mean_dice 0.500" in table
    assert "selected: round 0 by val_mean_dice 0.500" in table


def test_the_table_leaves_candidates_of_a_calibration_out_and_says_what_it_has_no_value_of(tmp_path: Path) -> None:
    content = written(tmp_path, COMPLETED).content
    metrics: dict[str, object] = {f"val_nll_at_{step / 4:.2f}": {"value": 0.7, "n": 20} for step in range(1, 5)}
    metrics |= {"val_ap": {"value": None, "n": "<5"}, "dice_1": {"value": 0.5, "n": 20}}
    content["evaluations"]["test"]["sites"]["a"]["metrics"] = metrics
    table = render(content)
    assert "val_ap withheld or not computable  dice_1 0.500" in table
    assert "val_nll" not in table and "(4 metrics of a calibration left out" in table


def test_a_run_that_fell_short_is_not_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, FAILED)
    assert main(["ledger", str(tmp_path)]) == FellShortError.code
    assert "below the quorum" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "another"}'])
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ledger.json").write_text(content)
    with pytest.raises(InputError):
        find(tmp_path)
