"""Pictures of risks with censoring: calibration curve of each site, and decision curve of all; drawn by matplotlib."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fedblocks.metrics.net_benefit import decision_curve
from fedblocks.metrics.risk_calibration import calibration_curve
from value.compare import Results
from value.plots import BLUE, GREEN, GREY, ORANGE
from value.ways import AGE_ONLY, FACTORS_ONLY, FEDAVG, ORACLE

METRIC, YEARS = "val_net_benefit", 5  # whose rows hold the risk at this horizon
THRESHOLDS = np.linspace(0.02, 0.5, 25)
GROUPS = 8
SHOWN = {FEDAVG: BLUE, FACTORS_ONLY: ORANGE, AGE_ONLY: GREEN, ORACLE: GREY}


def calibration_plot(results: Results, path: Path) -> None:
    """Mean risk of groups of test cases against the share that had the event (Kaplan-Meier), site by site and seed."""
    sites = [*results.task.sites, results.task.unseen]
    figure = Figure(figsize=(2.5 * len(sites), 3.1), layout="constrained")
    FigureCanvasAgg(figure)
    for place, site in enumerate(sites):
        axes = figure.add_subplot(1, len(sites), place + 1)
        axes.plot([0, 1], [0, 1], color=GREY, lw=1)
        for seed in results.seeds:
            points = calibration_curve(results.measured(FEDAVG, seed, site, METRIC).rows, YEARS, GROUPS)
            axes.plot(points[:, 0], points[:, 1], "o-", color=BLUE, lw=1, ms=3, alpha=0.6)
        axes.set_title(f"{site}{', never trained' if site == results.task.unseen else ''}", fontsize=10)
        axes.set_xlim(-0.02, 0.8)
        axes.set_ylim(-0.02, 0.8)
        axes.set_aspect("equal")
        axes.set_xlabel(f"told risk within {YEARS} years", fontsize=9)
        if not place:
            axes.set_ylabel("share that had a fracture", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def decision_plot(results: Results, path: Path) -> None:
    """Net benefit of treating above a threshold, over the test cases of all training sites; mean over seeds."""
    figure = Figure(figsize=(7.6, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for arm, color in SHOWN.items():
        curves = [decision_curve(_rows(results, arm, seed), YEARS, list(THRESHOLDS)) for seed in results.seeds]
        axes.plot(THRESHOLDS, np.mean([curve[:, 1] for curve in curves], axis=0), color=color, lw=1.6, label=arm)
    everyone = decision_curve(_rows(results, FEDAVG, results.seeds[0]), YEARS, list(THRESHOLDS))[:, 2]
    axes.plot(THRESHOLDS, everyone, color="black", lw=1, ls="--", label="treat all")
    axes.axhline(0, color="black", lw=1, label="treat none")
    axes.set_ylim(-0.03, None)
    axes.set_xlabel(f"risk within {YEARS} years from which to treat", fontsize=9)
    axes.set_ylabel("net benefit", fontsize=9)
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _rows(results: Results, arm: str, seed: int) -> NDArray[np.float64]:
    return np.concatenate([results.measured(arm, seed, site, METRIC).rows for site in results.task.sites])
