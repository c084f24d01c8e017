"""Real server and hospital processes: started from kits, found, restarted, and gone without a rest."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from nvflare.app_common.storages.filesystem_storage import FilesystemStorage

from fedbundle.errors import FederationError, InputError
from fedbundle.flare.login import session
from fedbundle.flare.marked import marked
from fedbundle.flare.processes import Federation, free_port, kind_of
from fedbundle.provision.kits import provision

STALE = "00000000-0000-4000-8000-000000000001"
NAMES = ("fl-server", "nijmegen", "admin@consortium.example", "scientist@trondheim.example")
e2e = pytest.mark.e2e


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory, repository: Path, port: int) -> dict[str, Path]:
    made = provision(repository / "provisioning" / "project.yml", tmp_path_factory.mktemp("kits"), port=port)
    return {name: made[name] for name in NAMES}


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running_from(kits: dict[str, Path]) -> list[str]:
    """Command lines that name a kit, found without the mark that Federation relies on."""
    folder = str(kits["fl-server"].parent)
    return [command for process in psutil.process_iter() if folder in (command := " ".join(command_line(process)))]


def command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended meanwhile, or is someone else's
        return []


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def leave_running(store: Path) -> None:
    """A job as a crashed server leaves it: RUNNING, and nobody works on it."""
    store.mkdir(parents=True)
    meta = {"job_id": STALE, "name": "stale", "status": "RUNNING", "study": "default", "submitter_name": NAMES[3]}
    FilesystemStorage().create_object(str(store / STALE), b"", meta)


@pytest.mark.slow
@e2e
def test_a_federation_lives_and_ends_cleanly(kits: dict[str, Path], port: int, tmp_path: Path) -> None:
    leave_running(kits["fl-server"] / "storage" / "jobs")
    with Federation(kits, tmp_path) as federation:
        federation.start()
        federation.wait_ready(60)
        assert [bool(federation.pids("nijmegen", role)) for role in ("supervisor", "parent", "job")] == [1, 1, 0]
        assert listening(port)
        with session(kits[NAMES[3]]) as opened:
            assert [client.name for client in opened.get_connected_client_list()] == ["nijmegen"]
            assert opened.get_job_meta(STALE)["status"] == "FINISHED:ABANDONED"  # ReconcileJobs
            opened.delete_job(STALE)
        with pytest.raises(FederationError, match="fl-server must not run yet, got supervisor"):
            Federation(kits, tmp_path / "other").start()
        assert federation.stop() is True
        assert federation.processes() == []
    assert not listening(port)
    assert sorted(path.name for path in (kits["fl-server"] / "storage").iterdir()) == ["jobs", "logs", "snapshots"]
    assert not any((kits["nijmegen"] / mark).exists() for mark in ("pid.fl", "daemon_pid.fl", "shutdown.fl"))


@pytest.mark.slow
@e2e
def test_a_killed_hospital_comes_back_and_ctrl_c_leaves_nothing(
    kits: dict[str, Path], port: int, tmp_path: Path
) -> None:
    federation = Federation(kits, tmp_path)
    with pytest.raises(KeyboardInterrupt), federation:
        federation.start()
        federation.wait_ready(60)
        (parent,) = federation.pids("nijmegen", "parent")
        os.kill(parent, signal.SIGKILL)
        until(lambda: federation.log("nijmegen").count("Successfully registered client") == 2)
        assert federation.pids("nijmegen", "parent") != [parent]
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    assert federation.processes() == []
    assert running_from(kits) == []
    assert not listening(port)


@e2e
def test_ctrl_c_while_starting_leaves_nothing(kits: dict[str, Path], tmp_path: Path) -> None:
    federation = Federation(kits, tmp_path)
    with pytest.raises(KeyboardInterrupt), federation:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        federation.start()
        federation.wait_ready(60)
    assert federation.processes() == []
    assert running_from(kits) == []


def test_the_federation_does_not_outlive_its_owner(kits: dict[str, Path], tmp_path: Path) -> None:
    owner = f"""
import sys, time
from pathlib import Path
from fedbundle.flare.processes import Federation
federation = Federation({{"fl-server": Path({str(kits["fl-server"])!r})}}, Path({str(tmp_path)!r}))
federation.start()
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"started\n"
        assert marked(str(tmp_path))[0].role == "supervisor"
        process.kill()
    until(lambda: not marked(str(tmp_path)), 10)
    assert running_from(kits) == []


def test_what_a_crash_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    crashed = {**os.environ, "FEDBUNDLE_FEDERATION": str(tmp_path), "FEDBUNDLE_PARTICIPANT": "nijmegen"}
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", stubborn], env=crashed, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        kit = tmp_path / "nijmegen"
        (kit / "startup").mkdir(parents=True)
        (kit / "startup" / "fed_client.json").write_text("{}")
        federation = Federation({"nijmegen": kit}, tmp_path)
        assert federation.pids("nijmegen", "helper") == [process.pid]
        federation.kill()
        assert process.wait() == -signal.SIGKILL
    assert federation.processes() == []


def test_a_taken_port_is_told(kits: dict[str, Path], port: int, tmp_path: Path) -> None:
    with socket.create_server(("", port)), pytest.raises(FederationError, match=f"port {port} must be free"):
        Federation(kits, tmp_path).start()


def test_only_server_and_hospitals_are_started(kits: dict[str, Path], tmp_path: Path) -> None:
    assert [kind_of(kit) for kit in kits.values()] == ["server", "client", None, None]
    assert list(Federation(kits, tmp_path).kits) == ["fl-server", "nijmegen"]
    with pytest.raises(InputError, match="kits must hold those of a server or hospitals"):
        Federation({name: kit for name, kit in kits.items() if "@" in name}, tmp_path)


@e2e
def test_a_kit_that_cannot_start_is_told(kits: dict[str, Path], tmp_path: Path) -> None:
    with Federation({"fl-server": kits["fl-server"]}, tmp_path) as federation:
        federation.start()
        os.kill(federation.pids("fl-server", "supervisor")[0], signal.SIGKILL)
        with pytest.raises(FederationError, match=r"fl-server must start, got an end; read .*fl-server\.out"):
            federation.wait_ready(30)
