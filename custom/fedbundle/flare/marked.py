"""Processes that carry a mark in their environment: found again, whoever started them, and ended to the last.

The mark is handed on to every process that a marked one starts; it survives new sessions and dead parents, where
process groups and parent ids do not.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedbundle.errors import FederationError

MARK, PARTICIPANT = "FEDBUNDLE_FEDERATION", "FEDBUNDLE_PARTICIPANT"
ROLES = {  # words of a command line -> what the process is
    "sub_start.sh": "supervisor",
    "nvflare.private.fed.app.server.server_train": "parent",
    "nvflare.private.fed.app.client.client_train": "parent",
    "nvflare.private.fed.app.server.runner_process": "job",
    "nvflare.private.fed.app.client.worker_process": "job",
    "fedbundle.flare.client": "trainer",
}
POLL_S = 0.1
_TERM_S, _KILL_S, _LOOK_S = 1.5, 15.0, 0.5


@dataclass(frozen=True)
class Process:
    """One living process; `role` is supervisor, parent, job, trainer or helper."""

    pid: int
    participant: str
    role: str
    command: str


def marked(mark: str) -> list[Process]:
    """Every living process whose environment says `MARK=mark`, except this one; supervisors first."""
    found = [process for process in _all_processes(mark) if process.pid != os.getpid()]
    return sorted(found, key=lambda process: (process.role != "supervisor", process.pid))


def end_all(mark: str) -> None:
    """End every marked process: supervisors at once, so that nothing is started again, others by SIGTERM, then SIGKILL.

    Raises:
        FederationError: one of them cannot be ended.
    """
    began = time.monotonic()
    while found := marked(mark) or _second_look(mark):
        elapsed = time.monotonic() - began
        if elapsed > _KILL_S:
            left = ", ".join(f"{process.pid} {process.participant} {process.role}" for process in found)
            raise FederationError(f"every process must end, got {left} after {_KILL_S:g} s; end them by hand")
        for process in found:
            if process.role == "supervisor" or elapsed > _TERM_S:
                _signal(process.pid, signal.SIGKILL)
            elif elapsed < POLL_S:
                _signal(process.pid, signal.SIGTERM)
        time.sleep(POLL_S)


def command_of(pid: int) -> str:
    """Command line of a process; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return ""


def _all_processes(mark: str) -> Iterator[Process]:
    wanted, named = f"{MARK}={mark}".encode(), f"{PARTICIPANT}=".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile, or belongs to someone else
            continue
        if wanted in environment:
            pid = int(entry.name)
            command = command_of(pid)
            role = next((role for word, role in ROLES.items() if word in command), "helper")
            name = next((item[len(named) :] for item in environment if item.startswith(named)), b"")
            yield Process(pid, name.decode(), role, command)


def _second_look(mark: str) -> list[Process]:
    """One look at /proc can miss a process: while it changes its program, its environment reads as empty."""
    deadline = time.monotonic() + _LOOK_S
    while not (found := marked(mark)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # it has ended meanwhile
        return
