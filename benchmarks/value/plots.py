"""The pictures of the value page; drawn by matplotlib, without a display."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fedblocks.metrics.calibration_error import reliability
from fedbundle.site.wording import many
from value.cell import UNCALIBRATED
from value.compare import Estimate, Results, table
from value.ways import FEDAVG, FEDAVGM, LOCAL

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8c8c8c"


def arms_plot(results: Results, path: Path) -> None:
    """Mean over sites (dot) and unseen site (square) of each arm with intervals; small marks are single seeds."""
    rows = table(results)[::-1]
    figure = Figure(figsize=(7.6, 0.42 * len(rows) + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for height, (_, mean, _, unseen, _) in enumerate(rows):
        _mark(axes, height + 0.13, mean, "o", BLUE)
        if unseen:
            _mark(axes, height - 0.13, unseen, "s", ORANGE)
    axes.plot([], [], "o-", color=BLUE, label="mean over the training sites")
    axes.plot([], [], "s-", color=ORANGE, label="site that never trained")
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"{results.task.called}; 95 % interval, {many(len(results.seeds), 'seed')}")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", frameon=False, fontsize=9, ncols=2)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _mark(axes: Axes, height: float, found: Estimate, marker: str, color: str) -> None:
    axes.plot([found.low, found.high], [height, height], color=color, lw=1.6, zorder=2)
    axes.plot(found.value, height, marker, color=color, ms=6, zorder=3)
    axes.plot(found.seeds, np.full(len(found.seeds), height), "|", color=color, ms=6, alpha=0.6, zorder=1)


def reliability_plot(results: Results, path: Path, metric: str = "val_ece") -> None:
    """Told probability against how often it came true, per site, before and after calibration; all seeds together."""
    sites = [*results.task.sites, results.task.unseen]
    figure = Figure(figsize=(2.6 * len(sites), 3.3), layout="constrained")
    FigureCanvasAgg(figure)
    for place, site in enumerate(sites):
        axes = figure.add_subplot(1, len(sites), place + 1)
        axes.plot([0, 1], [0, 1], color=GREY, lw=1)
        for part, color, name in ((UNCALIBRATED, ORANGE, "before"), ("rows", BLUE, "after")):
            rows = [results.measured(FEDAVG, seed, site, metric, part).rows for seed in results.seeds]
            points = reliability(np.concatenate(rows))
            axes.scatter(
                points[:, 0], points[:, 1], 8 + 90 * np.sqrt(points[:, 2] / points[:, 2].max()), color, alpha=0.5
            )
            axes.plot(points[:, 0], points[:, 1], color=color, lw=1, label=name)
        axes.set_title(f"{site}{', never trained' if site == results.task.unseen else ''}", fontsize=10)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_aspect("equal")
        axes.set_xlabel("told probability of a fracture", fontsize=9)
        if not place:
            axes.set_ylabel("share that has one", fontsize=9)
            axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def curves_plot(results: Results, path: Path) -> None:
    """Validation metric by round: federated, pooled and local runs of all seeds."""
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for arm, cells in results.cells.items():
        if "curve" not in next(iter(cells.values())):
            continue
        named = LOCAL if arm.startswith(LOCAL) else arm
        color = {FEDAVG: BLUE, FEDAVGM: GREEN, LOCAL: GREY}.get(named, ORANGE)
        for cell in cells.values():
            curve = [np.nan if value is None else value for value in cell["curve"]]
            known = axes.get_legend_handles_labels()[1]
            axes.plot(curve, color=color, lw=1, alpha=0.6, label=None if named in known else named)
    axes.set_xlabel("rounds done")
    axes.set_title(f"validation: {results.task.called}", fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
