"""Submit a job, watch it, fetch its result, and find the reasons where NVFlare keeps them."""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nvflare.fuel.flare_api.api_spec import (
    AuthorizationError,
    InternalError,
    InvalidJobDefinition,
    JobNotFound,
    JobNotRunning,
    NoConnection,
    SessionClosed,
)
from nvflare.fuel.flare_api.flare_api import Session
from nvflare.job_config.api import FedJob
from nvflare.recipe.spec import ExecEnv

from fedbundle.errors import FederationError, InputError, JobRefusedError
from fedbundle.files import new_folder
from fedbundle.flare.ledger import find
from fedbundle.flare.login import session
from fedbundle.flare.quorum import STATS_GROUP

Say = Callable[[str], None]
_SCHEDULING_S = 10.0
_NOT_RUNNING = (JobNotFound, JobNotRunning, InternalError)
_NOT_TAKEN = (AuthorizationError, InternalError, InvalidJobDefinition)
_REASON_WORDS = ("not in allow_list", "job refused", "BYOC", "not authorized", "NotAuthorized", "Error:")


@dataclass
class JobEnd:
    """How a submitted job ended."""

    job: str
    status: str  # NVFlare's word; the ledger decides
    result: Path | None = None  # folder with ledger.json and weights
    reasons: dict[str, str] = field(default_factory=dict)  # participant -> why

    @property
    def ledger(self) -> dict[str, Any] | None:
        """The run's ledger, if the server got as far as opening one."""
        try:
            return find(self.result) if self.result else None
        except InputError:
            return None


class WatchedProdEnv(ExecEnv):
    """NVFlare's ProdEnv with eyes: submits with an admin's kit, shows progress, fetches result and reasons.

    Args:
        kit: admin's startup kit; its user must be allowed to submit. None only for exporting.
        out: results go to `out`/<job id>.
        say: takes one line of progress at a time.
        study: NVFlare study the job belongs to.
        timeout: seconds until a job that does not end is aborted.
    """

    def __init__(
        self, kit: Path | None, out: Path, say: Say, *, study: str = "default", timeout: float = 86400.0
    ) -> None:
        super().__init__()
        self.kit, self.out, self.say, self.study, self.timeout = kit, out, say, study, timeout

    def session(self) -> AbstractContextManager[Session]:
        """Log in.

        Raises:
            InputError: no kit.
            FederationError: see `session`.
        """
        if self.kit is None:
            raise InputError("--kit must name the data scientist's startup kit, got none")
        return session(self.kit, self.study)

    def deploy(self, job: FedJob) -> str:
        """Export to a temporary folder and submit; returns the job id."""
        with tempfile.TemporaryDirectory() as scratch:
            job.export_job(scratch)
            return self.submit(Path(scratch) / job.name)

    def submit(self, folder: Path) -> str:
        """Submit an exported job folder; returns the job id.

        Raises:
            JobRefusedError: the server takes no such job from this user.
        """
        with self.session() as opened:
            try:
                job_id = str(opened.submit_job(str(folder.resolve())))
            except _NOT_TAKEN as error:
                raise JobRefusedError(f"job must be accepted by the server, got: {error}") from error
        self.say(f"job {job_id} submitted")
        return job_id

    def follow(self, job_id: str) -> JobEnd:
        """Show progress until the job has ended, then fetch its result. Ctrl-C aborts the job.

        A server that does not answer for a moment does not end this: it logs in again.

        Raises:
            JobRefusedError: it cannot be scheduled.
            FederationError: no connection, or no end within the time allowed (the job is then aborted).
        """
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                with self.session() as opened:
                    return self._follow(opened, job_id, deadline)
            except (NoConnection, SessionClosed) as error:
                if time.monotonic() > deadline:
                    raise FederationError(f"server must answer, got {type(error).__name__}; is it running?") from error
                self.say("the server did not answer; logging in again")

    def _follow(self, opened: Session, job_id: str, deadline: float) -> JobEnd:
        try:
            status = _end_of(opened, job_id, self.say, deadline)
        except KeyboardInterrupt:
            opened.abort_job(job_id)
            raise
        return fetch(opened, job_id, status, self.out)

    def get_job_status(self, job_id: str) -> str | None:
        """NVFlare's word for how the job stands."""
        with self.session() as opened:
            return str(opened.get_job_status(job_id))

    def abort_job(self, job_id: str) -> None:
        """Stop the job."""
        with self.session() as opened:
            opened.abort_job(job_id)

    def get_job_result(self, job_id: str, timeout: float = 0.0) -> str | None:
        """Folder of the result once the job has ended."""
        self.timeout = timeout or self.timeout
        return str(self.follow(job_id).result)


def fetch(opened: Session, job_id: str, status: str, out: Path) -> JobEnd:
    """Download what the job left behind, and the reasons when it did not end well."""
    end = JobEnd(job_id, status)
    with new_folder(out / job_id) as part:
        downloaded = Path(opened.download_job_result(job_id, str(part)))
        for item in downloaded.iterdir():
            item.rename(part / item.name)
        downloaded.rmdir()
    end.result = out / job_id
    if status != "FINISHED:COMPLETED":
        end.reasons = reasons(opened, job_id, out / job_id)
    return end


def reasons(opened: Session, job_id: str, folder: Path) -> dict[str, str]:
    """Why a job did not complete, one line per participant: from deployment, site error logs, the server's log."""
    detail = opened.get_job_meta(job_id).get("job_deploy_detail") or []
    found = {site: why for site, _, why in (str(line).partition(": ") for line in detail) if why and why != "OK"}
    logs: dict[str, str] = {}
    try:
        components = opened.list_job_components(job_id)
        served = opened.get_job_logs(job_id, target="server").get("logs", {})
    except AuthorizationError as error:
        return found | {"server": f"reasons cannot be read with this kit ({error}); ask the consortium admin"}
    for component in components:
        if component.startswith("ERRORLOG_"):
            logs[component.removeprefix("ERRORLOG_")] = _component(opened, job_id, component, folder)
    logs["server"] = "\n".join(str(text) for text in served.values())
    for participant, text in logs.items():
        if line := _telling_line(text):
            found[participant] = line
    return found


def _component(opened: Session, job_id: str, component: str, folder: Path) -> str:
    target = folder / "error_logs" / component
    target.parent.mkdir(exist_ok=True)
    source = Path(opened.download_job_components(job_id))
    text = "\n".join(
        file.read_text(encoding="utf-8", errors="replace") for file in source.rglob(component) if file.is_file()
    )
    target.write_text(text, encoding="utf-8")
    return text


def _telling_line(text: str) -> str:
    lines = [line for line in text.splitlines() if any(word in line for word in _REASON_WORDS)]
    return lines[-1].strip()[-600:] if lines else ""


def _end_of(opened: Session, job_id: str, say: Say, deadline: float) -> str:
    """Print progress until the job has finished; returns NVFlare's status."""
    began = time.monotonic()
    last = ""
    while time.monotonic() < deadline:
        meta = opened.get_job_meta(job_id)
        status = str(meta.get("status", ""))
        if status.startswith("FINISHED"):
            return status
        if status == "SUBMITTED" and time.monotonic() - began < _SCHEDULING_S:
            _refuse_unschedulable(opened, job_id, meta)
        line = _progress_line(opened, job_id) if status == "RUNNING" else status.lower()
        if line and line != last:
            say(line)
            last = line
        time.sleep(0.5)
    opened.abort_job(job_id)
    raise FederationError("job must end within the time allowed, got no end; it was aborted")


def _refuse_unschedulable(opened: Session, job_id: str, meta: dict[str, Any]) -> None:
    history = [entry for entry in meta.get("schedule_history") or [] if "scheduled" not in entry.lower()]
    if not history:
        return
    resources = opened.report_resources("client")
    opened.abort_job(job_id)
    raise JobRefusedError(f"job must be schedulable, got: {history[-1]}; the sites offer {resources}; it was aborted")


def _progress_line(opened: Session, job_id: str) -> str:
    try:
        progress = _group(opened.show_stats(job_id, "server"))
    except _NOT_RUNNING:  # just starting or just ended
        return ""
    if not progress:
        return "starting"
    done, rounds = progress["rounds_done"], progress["rounds"]
    parts = [f"round {done}/{rounds}"]
    parts += [site if state in ("in", "invited") else f"{site}:{state}" for site, state in progress["sites"].items()]
    if progress["metric"] is not None:
        parts.append(f"{progress['key_metric']} {progress['metric']:.3f}")
    if progress["seconds"] and done < rounds:
        parts.append(f"about {progress['seconds'] * (rounds - done):.0f} s left")
    return "  ".join(parts)


def _group(told: Any) -> dict[str, Any]:
    """Our group somewhere inside NVFlare's statistics, which nest by target and component."""
    if isinstance(told, dict):
        if STATS_GROUP in told and "rounds_done" in told[STATS_GROUP]:
            return dict(told[STATS_GROUP])
        for value in told.values():
            if found := _group(value):
                return found
    return {}


def to_stderr(line: str) -> None:
    """Default way to say something while work goes on."""
    sys.stderr.write(f"{line}\n")
