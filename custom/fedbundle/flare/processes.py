"""A federation's processes on this machine: started from their kits, found again by a mark, ended to the last."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.x509.oid import NameOID
from nvflare.fuel.flare_api.api_spec import (
    AuthorizationError,
    InternalError,
    JobNotDone,
    JobNotRunning,
    NoConnection,
    SessionClosed,
)

from fedbundle.errors import FederationError, InputError
from fedbundle.files import read_json
from fedbundle.flare.guardian import guard
from fedbundle.flare.login import session
from fedbundle.flare.marked import MARK, PARTICIPANT, POLL_S, Process, command_of, end_all, marked
from fedbundle.interrupts import undisturbed
from fedbundle.site import kit as site_kit

READY = {"server": "Server started", "client": "Successfully registered client"}  # in the kit's log.txt
TROUBLE = "System is in trouble"  # the supervisor has given up
APPEAR_S = 5.0  # start.sh leaves its supervisor in the background, which takes a moment
SUPERVISOR_FILES = ("pid.fl", "daemon_pid.fl", "shutdown.fl", "restart.fl")
_NOT_SHUT_DOWN = (
    AuthorizationError,
    FederationError,
    InternalError,
    JobNotDone,
    JobNotRunning,
    NoConnection,
    SessionClosed,
)


class Federation:
    """Server and hospitals of one provisioned project, as separate processes of this machine.

    As a context manager it stops everything on the way out: cleanly after a normal end, at once after an error or
    Ctrl-C; should this process die first, a guardian does it. Each participant runs in its own HOME, and finds this
    Python first on its PATH.

    Args:
        kits: participant -> startup kit, as `provision` returns them; admins' kits are not started, but a
            project admin's among them makes the clean shutdown possible.
        workdir: HOME folders and console output; a federation that crashed in the same `workdir` is ended first.
    """

    def __init__(self, kits: Mapping[str, Path], workdir: Path) -> None:
        self.workdir = Path(workdir).resolve()
        self.kits = {name: Path(kit).resolve() for name, kit in kits.items() if kind_of(Path(kit))}
        self._admin = next((Path(kit) for kit in kits.values() if _is_project_admin(Path(kit))), None)
        self._starts: dict[Path, int] = {}  # sizes of logs when their participant was started
        self._guardian: subprocess.Popen[bytes] | None = None
        if not self.kits:
            raise InputError(f"kits must hold those of a server or hospitals, got {', '.join(kits) or 'none'}")

    def __enter__(self) -> "Federation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

    def start(self) -> None:
        """Start every participant as `startup/start.sh` does.

        Raises:
            FederationError: the server's port is taken, or a kit runs already.
        """
        self.kill()
        for name, kit in self.kits.items():
            _require_idle(name, kit)
        for name in self.kits:
            self.start_one(name)

    def start_one(self, name: str) -> None:
        """Start one participant."""
        kit, home = self.kits[name], self.workdir / "home" / name
        home.mkdir(parents=True, exist_ok=True)
        for file in (kit / "log.txt", self.console(name)):
            self._starts[file] = file.stat().st_size if file.is_file() else 0
        with undisturbed(), self.console(name).open("ab") as console:
            self._guardian = self._guardian or guard(str(self.workdir))
            subprocess.run(
                [str(kit / "startup" / "start.sh")],
                cwd=kit,
                env=self._environment(name, home),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                check=True,
            )
            deadline = time.monotonic() + APPEAR_S
            while not self.pids(name, "supervisor") and time.monotonic() < deadline:
                time.sleep(POLL_S / 10)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until the server is up and every hospital has registered with it.

        Raises:
            FederationError: one of them gave up, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        waiting = set(self.kits)
        while waiting:
            waiting = {name for name in waiting if not self._is_ready(name)}
            for name in sorted(waiting):
                if TROUBLE in self._since_start(self.console(name)) or not self.pids(name):
                    raise FederationError(f"{name} must start, got an end; read {self.console(name)}")
            if waiting and time.monotonic() > deadline:
                names = ", ".join(sorted(waiting))
                raise FederationError(f"{names} must be ready within {timeout:g} s, got nothing; read {self.workdir}")
            time.sleep(POLL_S)

    def stop(self, timeout: float = 30.0) -> bool:
        """End everything; returns whether NVFlare's own shutdown did it, without a kill.

        Jobs that still run are aborted. Supervisors are ended once their participants are down, since they look only
        every five seconds.

        Raises:
            FederationError: a process cannot be ended.
        """
        clean = self._admin is not None and bool(self.processes()) and self._shut_down(self._admin, timeout)
        self.kill()
        return clean

    def kill(self) -> None:
        """End everything at once: supervisors first, so that nothing is started again, then all others.

        Ctrl-C waits until this is done; it takes a few seconds at most.

        Raises:
            FederationError: a process cannot be ended.
        """
        with undisturbed():
            end_all(str(self.workdir))
            for kit in self.kits.values():
                if not _supervisor_of(kit):
                    for mark in SUPERVISOR_FILES:
                        (kit / mark).unlink(missing_ok=True)
            if self._guardian:
                self._guardian.communicate()
                self._guardian = None

    def processes(self) -> list[Process]:
        """Every living process of this federation; supervisors first."""
        return marked(str(self.workdir))

    def pids(self, name: str, role: str | None = None) -> list[int]:
        """Process ids of one participant: all, or those in one role (see `Process`)."""
        return [p.pid for p in self.processes() if p.participant == name and role in (None, p.role)]

    def console(self, name: str) -> Path:
        """What a participant's processes printed."""
        return self.workdir / f"{name}.out"

    def log(self, name: str) -> str:
        """A participant's log.txt since it was last started."""
        return self._since_start(self.kits[name] / "log.txt")

    def _since_start(self, file: Path) -> str:
        start = self._starts.get(file, 0)
        text = file.read_bytes() if file.is_file() else b""
        return text[start if start <= len(text) else 0 :].decode(errors="replace")  # shorter: a rotated log

    def _is_ready(self, name: str) -> bool:
        return READY[str(kind_of(self.kits[name]))] in self.log(name)

    def _environment(self, name: str, home: Path) -> dict[str, str]:
        # NVFL_*: NVFlare would run from another folder or keep its jobs elsewhere
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NVFL_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
        return {**kept, "HOME": str(home), "PATH": path, MARK: str(self.workdir), PARTICIPANT: name}

    def _shut_down(self, admin: Path, timeout: float) -> bool:
        """Ask the server to shut all down, and wait for their ends; False when it cannot be asked or does not."""
        deadline = time.monotonic() + timeout
        try:
            with session(admin, timeout=min(10.0, timeout)) as opened:
                for job in opened.list_jobs():
                    if job.get("status") in ("RUNNING", "DISPATCHED"):
                        opened.abort_job(job["job_id"])
                opened.shutdown("all", wait=False)
        except _NOT_SHUT_DOWN:
            return False
        while time.monotonic() < deadline:
            if all(process.role in ("supervisor", "helper") for process in self.processes()):
                return True
            time.sleep(POLL_S)
        return False


def kind_of(kit: Path) -> str | None:
    """Server or client; None for an admin's kit, which has nothing to start.

    Raises:
        InputError: the folder is no NVFlare kit.
    """
    kind = site_kit.kind_of(kit)
    return None if kind == "admin" else kind


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_project_admin(kit: Path) -> bool:
    if kind_of(kit):
        return False
    certificate = x509.load_pem_x509_certificate((kit / "startup" / "client.crt").read_bytes())
    roles = certificate.subject.get_attributes_for_oid(NameOID.UNSTRUCTURED_NAME)  # where NVFlare keeps the role
    return any(role.value == "project_admin" for role in roles)


def _require_idle(name: str, kit: Path) -> None:
    if pid := _supervisor_of(kit):
        raise FederationError(f"{name} must not run yet, got supervisor {pid} of kit {kit}; stop that federation first")
    if kind_of(kit) == "server":
        target = read_json(kit / "startup" / "fed_server.json")["servers"][0]["service"]["target"]
        port = int(target.rpartition(":")[2])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
            try:
                probe.bind(("", port))
            except OSError as error:
                raise FederationError(f"port {port} must be free, got {error.strerror}; provision another") from error


def _supervisor_of(kit: Path) -> int:
    """Process id of the start.sh loop that runs this kit, 0 for none; a dead one's file may name any process."""
    text = _text(kit / "daemon_pid.fl").strip()
    if text.isdigit() and "sub_start.sh" in command_of(int(text)):
        return int(text)
    return 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
