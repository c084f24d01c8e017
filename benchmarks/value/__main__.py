"""`make bench-value`: what federation is worth, task by task; finished cells are kept, so Ctrl-C costs little."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tyro
from tqdm import tqdm

from fedbundle.errors import FedbundleError
from fedbundle.files import read_json, write_json
from fedbundle.site.home import SiteHome
from value.arms import names, way_of
from value.sites import version
from value.tasks import TASKS, Task
from value.ways import CONSENSUS

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = "version.json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """`make bench-value VALUE_ARGS="--seeds 3 --page"` passes options on."""

    tasks: tuple[str, ...] = tuple(task.bundle for task in TASKS)
    """Bundles."""

    arms: tuple[str, ...] = ()
    """Arms to run, such as `pooled fedavg`; default: all of each task."""

    seeds: int = 5
    """Seeds 0, 1, …; of first weights, order of cases and augmentation."""

    workers: int = 2
    """Cells at once, one core each."""

    workspace: Path = REPOSITORY / "build" / "value"
    """Phantoms, datasets and cells lie here and are used again."""

    page: bool = False
    """Also write docs/reference/benchmarks/value.md and its plots."""


def main() -> int:
    """Prepare the sites, run what is missing, compare."""
    options = tyro.cli(Options, prog="bench-value")
    tasks = [task for task in TASKS if task.bundle in options.tasks]
    try:
        for task in tasks:
            _prepare(task, options)
        _run([*_cells(tasks, options)], options)
    except FedbundleError as error:
        sys.stderr.write(f"bench-value: {error}\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("bench-value: interrupted; finished cells are kept, run it again to go on\n")
        return 130
    if not options.arms:
        from value.page import show, write_page

        show(tasks, options.seeds, options.workspace)
        if options.page:
            write_page(tasks, options.seeds, options.workspace)
    return 0


def place_of(task: Task, workspace: Path) -> Path:
    """Where a task's sites and cells lie."""
    return workspace / task.bundle


def _prepare(task: Task, options: Options) -> None:
    """All sites, side by side; cells of another bundle, dataset or plan are put aside."""
    place = place_of(task, options.workspace)
    with ThreadPoolExecutor(options.workers) as pool:
        waiting = {site: pool.submit(_prepare_site, task, site, place) for site in (*task.sites, task.unseen)}
        for made in waiting.values():
            made.result()
    homes = {site: SiteHome.open(place / "sites" / site) for site in (*task.sites, task.unseen)}
    now = version(task, homes)
    if (place / VERSION).is_file() and read_json(place / VERSION) != now and (place / "cells").is_dir():
        number = 1 + sum(1 for _ in place.glob("cells-*"))
        (place / "cells").rename(place / f"cells-{number}")
        sys.stderr.write(
            f"{task.bundle}: bundle, data, plan or code are others than before; older cells are in cells-{number}\n"
        )
    write_json(place / VERSION, now)


def _cells(tasks: Sequence[Task], options: Options) -> Iterator[tuple[Task, str, int]]:
    for seed in range(options.seeds):  # seed by seed, so that a table can be made of what is there
        for task in tasks:
            for arm in options.arms or names(task):
                result = _result(task, arm, seed, options)
                if not result.is_file() or read_json(result).get("way") != repr(way_of(task, arm)):
                    yield task, arm, seed


def _run(cells: list[tuple[Task, str, int]], options: Options) -> None:
    """Missing cells, as many at once as there are workers; a consensus waits for its local models."""
    if not cells:
        return
    later = [cell for cell in cells if cell[1] == CONSENSUS]
    first = [cell for cell in cells if cell[1] != CONSENSUS]
    with tqdm(total=len(cells), unit="cell", file=sys.stderr) as bar, ThreadPoolExecutor(options.workers) as pool:
        for some in (first, later):
            running: set[Future[str]] = {pool.submit(_cell, *cell, options) for cell in some}
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for each in done:
                        bar.set_postfix_str(each.result())
                        bar.update()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _cell(task: Task, arm: str, seed: int, options: Options) -> str:
    place = place_of(task, options.workspace)
    log = _result(task, arm, seed, options).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    words = ["--bundle", task.bundle, "--arm", arm, "--seed", str(seed), "--place", str(place)]
    _python(["value.cell", *words], log)
    told = read_json(_result(task, arm, seed, options))
    return f"{task.bundle} {arm} {seed}: {told['cpu_s']} CPU-s"


def _prepare_site(task: Task, site: str, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    _python(["value.sites", task.bundle, site, str(place)], place / f"{site}.log")


def _python(words: Sequence[str], log: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as told:
        done = subprocess.run([sys.executable, "-m", *words], env=environment, stdout=told, stderr=told, check=False)
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise FedbundleError(f"{words[0]} must end with status 0, got {done.returncode}: {last}; see {log}")


def _result(task: Task, arm: str, seed: int, options: Options) -> Path:
    return place_of(task, options.workspace) / "cells" / arm.replace(":", "-") / f"{seed}.json"


if __name__ == "__main__":
    sys.exit(main())
