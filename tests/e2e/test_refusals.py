"""What a hospital or the server must not run is refused, the scientist learns why, and nothing hangs."""

from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import edit_json
from samples.ball_site import BUNDLE

from fedbundle.errors import DigestError, NotApprovedError
from fedbundle.site.approvals import approve, unapprove

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CLIENT, SERVER = "app/config/config_fed_client.json", "app/config/config_fed_server.json"
STOCK = "nvflare.app_common.executors.client_api_executor.ClientAPIExecutor"
OURS_IMPORTING_IT = "fedbundle.flare.executor.ClientAPIExecutor"
OUTSIDE = {"id": "outside", "path": "nvflare.app_common.widgets.convert_to_fed_event.ConvertToFedEvent", "args": {}}


def test_a_hospital_that_has_not_approved_answers_and_the_others_train(consortium) -> None:  # type: ignore[no-untyped-def]
    unapprove(consortium.homes["taipei"], BUNDLE, "a test")
    try:
        end = consortium.run(consortium.job())
    finally:
        approve(consortium.homes["taipei"], BUNDLE, "a test")
    answer = end.ledger["rounds"][0]["sites"]["taipei"]
    assert (answer["status"], answer["code"]) == ("refused", NotApprovedError.code)
    assert "approval withdrawn" in answer["reason"]
    assert end.ledger["outcome"] == "COMPLETED"


@pytest.mark.slow
def test_below_the_quorum_the_run_is_failed(consortium) -> None:  # type: ignore[no-untyped-def]
    """One copy differs by a byte, and all three hospitals were asked for."""
    config = consortium.homes["taipei"].bundle_dir(BUNDLE) / "configs" / "train.json"
    approved = config.read_bytes()
    config.write_bytes(approved + b" ")
    try:
        end = consortium.run(consortium.job(quorum=3))
    finally:
        config.write_bytes(approved)
    answer = end.ledger["rounds"][0]["sites"]["taipei"]
    assert (answer["status"], answer["code"]) == ("refused", DigestError.code)
    assert end.ledger["outcome"] == "FAILED"
    assert "quorum must be 3 sites, got 2" in end.ledger["reason"]
    assert end.status != "FINISHED:COMPLETED"


def test_a_job_that_carries_code_is_refused(consortium) -> None:  # type: ignore[no-untyped-def]
    def carry(job: Path) -> None:
        (job / "app" / "custom").mkdir()
        (job / "app" / "custom" / "mine.py").write_text("print('here')\n")

    _refused(consortium, consortium.job(carry), "byoc")


@pytest.mark.slow
@pytest.mark.parametrize("path", [STOCK, OURS_IMPORTING_IT])
def test_a_job_that_brings_its_own_command_is_refused(consortium, tmp_path: Path, path: str) -> None:  # type: ignore[no-untyped-def]
    trace = tmp_path / "ran"
    command = ["bash", "-c", f"touch {trace}; exit 1"]
    stock = {"path": path, "args": {"execution_mode": "external_process", "command": command}}

    def change(config: dict[str, Any]) -> None:
        config["executors"][0]["executor"] = stock

    _refused(consortium, consortium.job(edit_json(CLIENT, change)), "not in allow_list")
    assert not trace.exists()


@pytest.mark.slow
@pytest.mark.parametrize("config", [CLIENT, SERVER])
def test_a_class_outside_the_list_is_refused(consortium, config: str) -> None:  # type: ignore[no-untyped-def]
    edit = edit_json(config, lambda content: content.setdefault("components", []).append(OUTSIDE))
    _refused(consortium, consortium.job(edit), "not in allow_list")


def _refused(consortium, job: Path, reason: str) -> None:  # type: ignore[no-untyped-def]
    """The job trains nothing, ends, and the reason stands in the answer, the ledger or the fetched error log."""
    try:
        end = consortium.run(job)
    except Exception as error:  # refused at submission
        assert reason in str(error).lower()
        return
    assert end.status != "FINISHED:COMPLETED"
    assert any(reason in told.lower() for told in end.reasons.values()), (end.status, end.reasons)
    assert end.ledger is None or not end.ledger["rounds"] or end.ledger["outcome"] == "FAILED"
