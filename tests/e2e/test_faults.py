"""Faults in mid-run: a killed process costs its site and no more, a server that pauses costs nothing."""

import os
import signal
import threading
import time

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
VICTIM = "nijmegen"


@pytest.mark.parametrize("role", ["trainer", "parent"])
def test_the_run_goes_on_without_a_killed_site(consortium, role: str) -> None:  # type: ignore[no-untyped-def]
    said: list[str] = []
    env = consortium.watcher(said)
    times: dict[str, float] = {}

    def note(line: str) -> None:
        said.append(line)
        if VICTIM + ":" in line:
            times.setdefault("named", time.monotonic())

    env.say = note
    job_id = env.submit(consortium.job(rounds=15, local_epochs=8))
    killer = threading.Thread(target=_kill_in_mid_run, args=(consortium, said, role, times))
    killer.start()
    end = env.follow(job_id)
    killer.join()
    assert times["named"] - times["killed"] < 60
    assert end.ledger["outcome"] == "COMPLETED", end.ledger["reason"]
    assert len(end.ledger["rounds"]) == 15
    last = end.ledger["rounds"][-1]["sites"]
    assert all(last[site]["status"] == "used" for site in consortium.hospitals if site != VICTIM)
    assert end.ledger["sites"][VICTIM]["state"] in ("failed", "silent")
    assert end.ledger["sites"][VICTIM]["reason"]
    consortium.federation.wait_ready(60)


def test_a_server_that_does_not_answer_for_a_moment_keeps_its_watcher(consortium) -> None:  # type: ignore[no-untyped-def]
    said: list[str] = []
    env = consortium.watcher(said)
    job_id = env.submit(consortium.job(rounds=15, local_epochs=8))
    pauser = threading.Thread(target=_pause_in_mid_run, args=(consortium, said))
    pauser.start()
    end = env.follow(job_id)
    pauser.join()
    assert "the server did not answer; logging in again" in said
    assert end.ledger["outcome"] == "COMPLETED", end.ledger["reason"]


def _pause_in_mid_run(consortium, said: list[str]) -> None:  # type: ignore[no-untyped-def]
    _wait_for_a_round(said)
    (pid,) = consortium.federation.pids("fl-server", "parent")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(8)  # NVFlare's sessions wait 5 s for an answer
    os.kill(pid, signal.SIGCONT)


def _wait_for_a_round(said: list[str]) -> None:
    while not any(line.startswith("round") and not line.startswith("round 0/") for line in said):
        time.sleep(0.1)


def _kill_in_mid_run(consortium, said: list[str], role: str, times: dict[str, float]) -> None:  # type: ignore[no-untyped-def]
    _wait_for_a_round(said)
    (pid,) = consortium.federation.pids(VICTIM, role)
    times["killed"] = time.monotonic()
    os.kill(pid, signal.SIGKILL)
