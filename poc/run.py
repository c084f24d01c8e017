"""The whole story on one machine: three hospitals train one prostate bundle over mutual TLS, DICOM in, DICOM out."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path

import orthanc
import tyro
import yaml
from memory import PeakMemory

from fedbundle.errors import FedbundleError, FellShortError
from fedbundle.flare.ledger import render
from fedbundle.flare.processes import Federation, free_port
from fedbundle.flare.watch import JobEnd, WatchedProdEnv
from fedbundle.interrupts import deaf_children
from fedbundle.provision.kits import provision
from fedbundle.site.kit import kind_of
from fedbundle.verbs.base import Outcome
from fedbundle.verbs.clinician import Predict
from fedbundle.verbs.everyone import Phantom
from fedbundle.verbs.scientist import Export
from fedbundle.verbs.steward import Approve, Ingest, Install, SiteInit

REPOSITORY = Path(__file__).resolve().parents[1]
SERVER = "server"
PROFILES = ("site-a", "site-b", "site-c")
UNSEEN_PROFILE = "site-d"  # a scanner that never trained


@dataclass(frozen=True, kw_only=True)
class Options:
    """`make poc POC_ARGS="--rounds 4"` passes options on."""

    bundle: str = "prostate_mri_zones"
    """Which bundle's phantoms and job."""

    patients: int = 28
    """Phantom patients per hospital."""

    rounds: int | None = None
    """Training rounds; default: the job's own."""

    quorum: int = 2
    """Hospitals that must answer in every round."""

    workspace: Path = REPOSITORY / "poc" / "workspace"
    """Everything of this run lies here; an earlier run is replaced."""


@dataclass
class Story:
    """Tells each step as it happens and keeps its time and place for the table at the end."""

    workspace: Path
    steps: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """Time one step; the function it yields notes what came of it."""
        print(f"\n== {what}", flush=True)
        began, notes = time.monotonic(), [""]
        yield lambda note: notes.__setitem__(0, note)
        self.steps.append((what, time.monotonic() - began, notes[0]))
        print(f"   {notes[0]}  ({self.steps[-1][1]:.1f} s)", flush=True)

    def table(self) -> str:
        """What happened, how long it took, what came of it."""
        rows = [f"  {what:44} {seconds:6.1f} s  {note}" for what, seconds, note in self.steps]
        total = sum(seconds for _, seconds, _ in self.steps)
        return "\n".join([*rows, f"  {'total':44} {total:6.1f} s"])


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are ended at once when the story is interrupted; submit to them among `deaf_children`."""
    pool = ProcessPoolExecutor(count, get_context("spawn"))
    try:
        yield pool
    except BaseException:
        for child in active_children():
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def pacs(options: Options) -> Iterator[orthanc.Address | None]:
    """An empty Orthanc for one of the hospitals; None where it is not installed."""
    if not orthanc.installed():
        yield None
        return
    with orthanc.running({"POC_WORKSPACE": str(options.workspace)}) as server:
        yield server.address


def prepare_hospital(
    name: str, profile: str, seed: int, kit: Path, options: Options, server: orthanc.Address | None
) -> dict[str, object]:
    """One hospital before the federation: its scanner's DICOM, its PACS if any, its site home, dataset and approval."""
    dicom = options.workspace / "dicom" / name
    Phantom(bundle=options.bundle, out=dicom, patients=options.patients, profile=profile, seed=seed).run()
    home = prepare_home(name, kit, options)
    labels = dicom / "labels.csv"
    if server is None:
        return Ingest(site=home, bundle=options.bundle, dicom=dicom / "dicom", labels=labels).run().data
    server.receive(dicom / "dicom")
    with (home / "site.toml").open("a", encoding="utf-8") as settings:
        settings.write(server.settings())
    secret = home / "keys" / "dicomweb.password"
    secret.touch(mode=0o600)
    secret.write_text(orthanc.PASSWORD, encoding="utf-8")
    return Ingest(site=home, bundle=options.bundle, dicomweb=server.url, labels=labels).run().data


def prepare_home(name: str, kit: Path, options: Options) -> Path:
    """Site home of a participant: made, bundle installed, its digest approved."""
    home = options.workspace / "sites" / name
    SiteInit(directory=home, name=name, kit=kit).run()
    Install(bundle=REPOSITORY / "bundles" / options.bundle, site=home).run()
    Approve(bundle=options.bundle, by="steward of the demonstration", site=home).run()
    return home


def export_job(options: Options) -> Path:
    """Write the job folder as a data scientist does."""
    folder = options.workspace / "job"
    command = [
        sys.executable,
        "-W",
        "ignore:NVFlare reserves",
        str(REPOSITORY / "jobs" / f"{options.bundle}.py"),
        "--quorum",
        str(options.quorum),
    ]
    if options.rounds:
        command += ["--rounds", str(options.rounds)]
    command += ["--export", "--export-dir", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, start_new_session=True)  # Ctrl-C is ours to handle
    return folder / options.bundle


def hospitals() -> list[str]:
    """The hospitals of provisioning/sites, by file."""
    files = sorted((REPOSITORY / "provisioning" / "sites").glob("*.yml"))
    return [str(yaml.safe_load(file.read_text())["name"]) for file in files]


def train(kit: Path, job: Path, options: Options) -> JobEnd:
    """Submit with the data scientist's kit and watch."""
    env = WatchedProdEnv(kit, options.workspace / "results", lambda line: print(f"   {line}", flush=True))
    return env.follow(env.submit(job))


def completed(end: JobEnd) -> dict[str, object]:
    """The ledger of a run that did what it declared.

    Raises:
        FellShortError: it did not.
    """
    if end.ledger is None or end.ledger["outcome"] != "COMPLETED":
        raise FellShortError(f"run must be COMPLETED, got {end.status}: {end.reasons}; logs lie in the workspace")
    return end.ledger


def tell(options: Options) -> Outcome:
    """Run the story from phantoms to DICOM SEG; returns the last prediction."""
    story = Story(options.workspace)
    project = REPOSITORY / "provisioning" / "project.yml"
    with PeakMemory() as memory:
        with story.step("provision server, hospitals and admins") as note:
            kits = provision(project, options.workspace / "kits", port=free_port())
            note(f"{len(kits)} kits in {options.workspace / 'kits'}")
        names = hospitals()
        with story.step("phantoms, site homes, ingest, approval") as note:
            with pacs(options) as server, workers(2) as pool:
                servers = [server, *[None] * len(names)]  # the first hospital's images come from a PACS
                with deaf_children():
                    waiting = [
                        pool.submit(prepare_hospital, name, profile, seed, kits[name], options, servers[seed])
                        for seed, (name, profile) in enumerate(zip(names, PROFILES, strict=True))
                    ]
                prepare_home(SERVER, kits[server_of(kits)], options)
                datasets = {name: job.result() for name, job in zip(names, waiting, strict=True)}
            told = "; ".join(f"{name} {data['splits']}" for name, data in datasets.items())
            note(f"{told}; {names[0]} {'from Orthanc' if server else 'from a folder, as Orthanc is not installed'}")
        with Federation(kits, options.workspace / "run") as federation:
            with story.step("start server and hospitals over mutual TLS") as note:
                federation.start()
                federation.wait_ready(90)
                note(f"{len(federation.kits)} participants ready")
            with story.step("export the job, submit it, train") as note:
                end = train(kits[scientist()], export_job(options), options)
                ledger = completed(end)
                note(f"{ledger['outcome']}, result in {end.result}")
            with story.step("clean shutdown") as note:
                note("clean" if federation.stop() else "NVFlare did not end by itself, processes were ended")
        with story.step("export the bundle") as note:
            source = REPOSITORY / "bundles" / options.bundle
            exported = Export(result=Path(str(end.result)), out=options.workspace / "export", bundle=source).run()
            note(str(exported.data["path"]))
        with story.step("predict an unseen study of an unseen scanner") as note:
            unseen = options.workspace / "dicom" / "unseen"
            Phantom(bundle=options.bundle, out=unseen, patients=1, profile=UNSEEN_PROFILE, seed=99).run()
            study = next((unseen / "dicom").iterdir())
            zipped = Path(str(exported.data["path"]))
            predicted = Predict(bundle=zipped, study=study, out=options.workspace / "prediction").run()
            note(next(line for line in predicted.text.splitlines() if line not in predicted.data["warnings"]))
    print(f"\n{render(ledger)}\n\n{story.table()}")
    print(f"  {'peak memory of all processes together':44} {memory.peak_gib:6.2f} GiB")
    print(f"\nbundle      {exported.data['path']}\nreport      {options.workspace / 'prediction' / 'report.html'}")
    print(f"ledger      {Path(str(end.result))}\nlogs        {options.workspace / 'run'}")
    return predicted


def server_of(kits: dict[str, Path]) -> str:
    """The participant that has a server's kit."""
    return next(name for name, kit in kits.items() if kind_of(kit) == "server")


def scientist() -> str:
    """The first hospital admin in NVFlare's role lead: may submit jobs."""
    files = sorted((REPOSITORY / "provisioning" / "sites").glob("*.yml"))
    people = [person for file in files for person in yaml.safe_load(file.read_text()).get("admins", [])]
    return next(str(person["name"]) for person in people if person["role"] == "lead")


def main() -> int:
    """Tell the story; a failure is one line and a numbered exit code."""
    options = tyro.cli(Options, prog="poc")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # hospitals that share one machine would slow each other down
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    shutil.rmtree(options.workspace, ignore_errors=True)
    options.workspace.mkdir(parents=True)
    try:
        tell(options)
    except FedbundleError as error:
        sys.stderr.write(f"poc: {error} [exit {error.code}: docs/reference/exit-codes/{error.code}.md]\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("poc: interrupted; every process was stopped\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
