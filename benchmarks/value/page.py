"""What the value harness tells: on the terminal, and as docs/reference/benchmarks/value.md with its plots."""

import re
from collections.abc import Sequence
from importlib.metadata import version as packaged
from pathlib import Path

from fedbundle.files import write_text
from fedbundle.site.wording import many
from value.arms import names
from value.cell import UNCALIBRATED
from value.compare import Estimate, Results, mean_of, table, verdicts, worst_of
from value.plots import arms_plot, curves_plot, reliability_plot
from value.sites import BUNDLES, PACKAGES
from value.spread import YEARS, spreads
from value.survival_plots import calibration_plot, decision_plot
from value.targets import Verdict
from value.tasks import TASKS, Task
from value.tried import TRIED, WHERE
from value.ways import FEDAVG

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "benchmarks" / "value.md"
LIMIT_S = 120
INTRO = """# What federation is worth

Written by `make bench-value VALUE_ARGS=--page`; do not edit. On **phantoms**, in size `phantom`: the table tells how
arms compare on data of known heterogeneity, and nothing about patients.

- **pooled**: all training sites' data in one place, which no hospital could have. **fedavg**: federated averaging.
  **fedavgm**: the same with server momentum (arXiv 1909.06335), a job's `--server-momentum`. **local**: one site alone.
  **consensus**: the mean of the local models' probabilities. **split**: weights under the bundle's declared prefixes
  stay at each site. **fedbn**: the normalisation layers do (arXiv 2102.07623).
- All arms go through the same rounds, trainer and selection as the real federation (`flare/rounds.py`,
  `flare/trainer.py`), with as many passes over each training case; only the messages stay in one process.
- Values are those of each site's test patients, whom no arm has trained on or been selected by; the unseen site never
  trained, and all its patients but those of its validation are tested; of arms that keep weights at home it has none.
- Intervals: 95 % percentile bootstrap, 1000 resamples of patients within each site and of seeds; all arms are resampled
  with the same patients and seeds, so differences are paired, and the worst site is looked for in each resample anew.
  The training data are the same for all seeds.
- The margins of the targets were fixed before anything was trained. Recipes, rounds and numbers of patients were set on
  phantoms of other seeds. Of zones, lesions and fractures a first table was made of these same patients (commit
  `698d23c`); since then rounds of lesions went from 10 to 8, since its cells took more than two CPU-minutes, and zones
  and fractures train as before: no recipe was chosen by what that table showed.
"""


def results_of(task: Task, seeds: int, workspace: Path) -> Results:
    """All cells of a task."""
    place = workspace / task.bundle
    return Results.read(task, BUNDLES / task.bundle, names(task), range(seeds), place)


def show(tasks: Sequence[Task], seeds: int, workspace: Path) -> None:
    """Print tables and verdicts."""
    for task in tasks:
        found = measured_seeds(task, workspace, seeds)
        print(f"\n{task.bundle}: {task.called}, {found} seeds")
        if not found:
            continue
        results = results_of(task, found, workspace)
        for name, mean, worst, unseen, _ in table(results):
            print(f"  {name:30} mean {mean.told()}  worst {worst.value:.3f}  unseen {_told(unseen)}")
        for verdict in verdicts(results):
            print(f"  {'met   ' if verdict.met else 'MISSED'} {verdict.target}: {verdict.found.told(sign=True)}")


def write_page(tasks: Sequence[Task], seeds: int, workspace: Path) -> None:
    """Write the page and its plots; the section of a task that was not asked for stays as it is."""
    parts, before = [INTRO], sections(PAGE.read_text(encoding="utf-8") if PAGE.is_file() else "")
    for task in TASKS:
        found = measured_seeds(task, workspace, seeds) if task in tasks else 0
        parts.append(
            _section(task, results_of(task, found, workspace), workspace)
            if found
            else before.get(task.bundle, _absent(task))
        )
    write_text(PAGE, "\n".join(parts).rstrip() + "\n")
    print(f"wrote {PAGE.relative_to(REPOSITORY)}")


def measured_seeds(task: Task, workspace: Path, most: int) -> int:
    """For how many seeds, from 0 on, every cell of a task is there."""
    place = workspace / task.bundle / "cells"
    whole = [
        all((place / arm.replace(":", "-") / f"{seed}.json").is_file() for arm in names(task)) for seed in range(most)
    ]
    return whole.index(False) if False in whole else most


def sections(page: str) -> dict[str, str]:
    """Sections of the page as it was, by the bundle that each begins with."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def _absent(task: Task) -> str:
    return f"## {task.bundle}\n\nNot measured yet.\n"


def _packages() -> str:
    return ", ".join(f"{name} {packaged(name)}" for name in (*PACKAGES, "nvflare"))


def _section(task: Task, results: Results, workspace: Path) -> str:
    stem = PAGE.parent / f"value-{task.bundle.replace('_', '-')}"
    arms_plot(results, stem.with_suffix(".png"))
    curves_plot(results, Path(f"{stem}-rounds.png"))
    cells = [cell for arm in results.cells.values() for cell in arm.values()]
    slowest = max(cells, key=lambda cell: cell["cpu_s"])
    digest = (results.cells[FEDAVG][0]["weights_digest"])[:19]
    commits = ", ".join(sorted({f"`{cell['commit']}`" for cell in cells}))
    lines = [
        f"## {task.bundle}\n",
        *(
            [f"**{len(results.seeds)} of 5 seeds**: a note, no claim about a method.\n"]
            if len(results.seeds) < 5
            else []
        ),
        f"{task.called}. {task.patients} patients at each site{_used(task)}; {', '.join(task.sites)} train, "
        f"{task.unseen} never; {task.rounds} rounds of {many(task.local_epochs, 'local epoch')}{_momenta(task)}. "
        + "; ".join(f"**{name}**: {told}" for name, told in task.baselines.items())
        + f".{_events(task, results)}\n",
        f"![{task.called} of each arm]({stem.with_suffix('.png').name})\n",
        _arms(task, results),
        "### Targets\n",
        *_targets(verdicts(results)),
        "",
        *([f"What was tried, {WHERE}: {TRIED[task.bundle]}\n"] if task.bundle in TRIED else []),
        *(["### Other metrics\n", _also(results)] if task.also else []),
        "### Every seed\n",
        *_seeds(results),
        "",
        *(_calibration(results, Path(f"{stem}-reliability.png")) if task.calibrated else []),
        *([*_survival(results, stem), *_spread(results, workspace)] if task.least_events else []),
        "### Rounds and cost\n",
        f"![validation metric by round]({Path(f'{stem}-rounds.png').name})\n",
        f"{len(cells)} cells, {sum(cell['cpu_s'] for cell in cells) / 60:.0f} CPU-minutes together; the longest was "
        f"{slowest['arm']}, seed {slowest['seed']}, with {slowest['cpu_s']:.0f} CPU-s"
        f"{'' if slowest['cpu_s'] <= LIMIT_S else f', above the limit of {LIMIT_S}'}. "
        f"Weights of `{FEDAVG}` with seed 0: `{digest}`. Commit {commits}; {_packages()}; CPU, one thread a cell.\n",
    ]
    return "\n".join(lines)


def _used(task: Task) -> str:
    most = [f"{count} cases of {section}" for section, count in task.most.items()]
    return f" (at most {' and '.join(most)} are used)" if most else ""


def _events(task: Task, results: Results) -> str:
    counts = [f"{site} {results.events(site)}" for site in (*task.sites, task.unseen) if task.least_events]
    return f" Events among the test cases: {', '.join(counts)}." if counts else ""


def _momenta(task: Task) -> str:
    return "".join(
        f", server momentum of `{arm}` {way.server_momentum:g}" for arm, way in task.ways.items() if way.server_momentum
    )


def _arms(task: Task, results: Results) -> str:
    sites = [*task.sites]
    head = ["arm", "mean over sites", "worst site", f"unseen ({task.unseen})", *sites]
    rows = [
        [name, mean.told(), f"{worst.value:.3f}", _told(unseen), *(f"{each.value:.3f}" for each in each_site)]
        for name, mean, worst, unseen, each_site in table(results)
    ]
    return _table(head, rows)


def _also(results: Results) -> str:
    """Mean over sites, and the worst of them, of further metrics."""
    rows = []
    for arm in results.cells:
        told = [(results.mean(arm, metric=m), worst_of(results.at_sites(arm, m))) for m in results.told(arm)]
        known = dict(zip(results.told(arm), told, strict=True))
        rows.append(
            [arm, *(f"{known[m][0].told()}; {known[m][1].value:.3f}" if m in known else "-" for m in results.task.also)]
        )
    return _table(["arm", *(f"{metric}: mean; worst site" for metric in results.task.also)], rows)


def _targets(found: Sequence[Verdict]) -> list[str]:
    rows = [[each.target, each.found.told(sign=True), "met" if each.met else "**missed**"] for each in found]
    return [_table(["target", "found, 95 % interval", ""], rows)]


def _survival(results: Results, stem: Path) -> list[str]:
    calibration, decision = Path(f"{stem}-calibration.png"), Path(f"{stem}-decision.png")
    calibration_plot(results, calibration)
    decision_plot(results, decision)
    return [
        "### Calibration and decision curves of the federated model\n",
        f"![calibration curve of each site]({calibration.name})\n",
        f"Groups of test cases by rising risk, one line a seed; shares by Kaplan-Meier, death as censoring.\n\n"
        f"![net benefit by threshold]({decision.name})\n",
    ]


def _spread(results: Results, workspace: Path) -> list[str]:
    found = spreads(results.task, FEDAVG, list(results.seeds), workspace)
    rows = [[each.site, f"{each.covered:.0%}", f"{each.width:.3f}", f"{each.apart:.3f}"] for each in found]
    head = ["site", "true risk within low and high", "width of low to high", "risk told and true risk apart"]
    return [
        f"### The spread beside the risk of {YEARS} years\n",
        "Low and high of a report are percentiles over passes with dropout. Phantoms know the true risk of each hip, "
        f"so they tell how often it lies between, over test cases and seeds of `{FEDAVG}`; were low and high a 95 % "
        "interval of the patient's risk, it would be 95 %.\n",
        _table(head, rows),
    ]


def _told(estimate: Estimate | None) -> str:
    return estimate.told() if estimate else "-"


def _seeds(results: Results) -> list[str]:
    rows = [
        [
            name,
            *(f"{value:.3f}" for value in mean.seeds),
            *([f"{value:.3f}" for value in unseen.seeds] if unseen else ["-"] * len(results.seeds)),
        ]
        for name, mean, _, unseen, _ in table(results)
    ]
    head = [
        "arm",
        *(f"seed {seed}, sites" for seed in results.seeds),
        *(f"seed {seed}, unseen" for seed in results.seeds),
    ]
    return [_table(head, rows)]


def _calibration(results: Results, path: Path) -> list[str]:
    reliability_plot(results, path)
    task = results.task
    rows = []
    for site in (*task.sites, task.unseen):
        before = results.estimate(FEDAVG, site, "val_ece", UNCALIBRATED)
        after = results.estimate(FEDAVG, site, "val_ece")
        rows.append([site, before.told(), after.told(), (after - before).told(sign=True)])
    before = mean_of(results.at_sites(FEDAVG, "val_ece", UNCALIBRATED))
    after = mean_of(results.at_sites(FEDAVG, "val_ece"))
    rows.append(["mean over sites", before.told(), after.told(), (after - before).told(sign=True)])
    chosen = ", ".join(f"{cell['calibrated']['value']:g}" for cell in results.cells[FEDAVG].values())
    return [
        "### Calibration of the federated model\n",
        "Expected calibration error of the probability of a fracture (15 bins), before and after the temperature that "
        f"the federation chose from pooled validation losses and that ships inside the weights: {chosen} by seed.\n",
        _table(["site", "before", "after", "difference"], rows),
        f"![reliability of each site]({path.name})\n",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
