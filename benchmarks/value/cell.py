"""One cell of the table: train one arm with one seed, evaluate it on every site; a process of its own.

python -m value.cell --bundle NAME --arm ARM --seed N --place FOLDER
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core a cell, as many cells as cores; must come before torch

import numpy as np
import torch
import tyro

from fedbundle.bundle.declared import calibration
from fedbundle.bundle.digest import recipe_digest
from fedbundle.files import new_file, write_json
from fedbundle.flare.fedavg import Weights
from fedbundle.flare.quorum import weights_digest
from fedbundle.flare.statistics import Measured
from fedbundle.flare.trainer import Trainer
from fedbundle.site.dataset import CheckedDataset
from fedbundle.site.home import SiteHome
from value.arms import Consensus, datasets_of, sharing, train, way_of
from value.baselines import baseline
from value.oracle import oracle_rows
from value.sites import BUNDLES, TEST, dataset
from value.tasks import Task, task_of
from value.ways import AGE_ONLY, CONSENSUS, LOCAL, ORACLE, POOLED

UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Which cell, and where the sites lie."""

    bundle: str
    arm: str
    seed: int
    place: Path

    @property
    def result(self) -> Path:
        """Where its result lies."""
        return self.place / "cells" / self.arm.replace(":", "-") / f"{self.seed}.json"

    @property
    def weights(self) -> Path:
        """Where its weights lie."""
        return self.result.with_suffix(".pt")

    def run(self) -> None:
        """Train, evaluate, write."""
        began = time.monotonic()
        task, root = task_of(self.bundle), BUNDLES / self.bundle
        homes = {site: SiteHome.open(self.place / "sites" / site) for site in (*task.sites, task.unseen)}
        datasets = {site: dataset(task, home) for site, home in homes.items()}
        with tempfile.TemporaryDirectory(prefix="value-") as scratch:
            made = Made(task, self.arm, root, self.seed, Path(scratch))
            told: dict[str, Any] = {"bundle": self.bundle, "arm": self.arm, "seed": self.seed, "commit": commit()}
            told["way"] = repr(way_of(task, self.arm))
            if self.arm == CONSENSUS or self.arm in task.baselines:
                measured = self._untrained(made, datasets, homes)
            else:
                trainers = {
                    name: made.trainer(name, each) for name, each in datasets_of(task, self.arm, datasets).items()
                }
                selected, messenger = train(
                    task, self.arm, root, trainers, self.seed, lambda line: print(line, file=sys.stderr)
                )
                told |= {"round": selected.round, "curve": messenger.metrics, "calibrated": dict(selected.calibrated)}
                told["weights_digest"] = weights_digest(selected.weights)
                told["keeps"] = any(trainer.first_local for trainer in trainers.values())
                measured = made.measure(datasets, selected.weights, trainers, selected.round + 1)
                if weight := calibration(root).weight:
                    plain = {**selected.weights, weight: np.ones_like(selected.weights[weight])}
                    told[UNCALIBRATED] = made.measure(datasets, plain, trainers, selected.round + 1)
                with new_file(self.weights) as part:
                    torch.save({name: torch.as_tensor(value) for name, value in selected.weights.items()}, part)
        told |= {"rows": measured, "patients": {site: each.patients(TEST) for site, each in datasets.items()}}
        usage = resource.getrusage(resource.RUSAGE_SELF)
        told |= {"cpu_s": round(usage.ru_utime + usage.ru_stime, 1), "wall_s": round(time.monotonic() - began, 1)}
        write_json(self.result, told)

    def _untrained(
        self, made: "Made", datasets: Mapping[str, CheckedDataset], homes: Mapping[str, SiteHome]
    ) -> dict[str, Any]:
        """Rows of a network that no rounds have made, or of what no network can beat."""
        overrides: dict[str, Any] = {}
        if self.arm == CONSENSUS:
            network: torch.nn.Module = self._fused(made, datasets)
        else:
            pooled = made.trainer(POOLED, datasets_of(made.task, self.arm, datasets)[POOLED])
            network, overrides = baseline(self.bundle, AGE_ONLY if self.arm == ORACLE else self.arm, pooled)
        network.eval()
        found = {}
        for site, data in datasets.items():
            cases = data.datalist[TEST]
            found[site] = _rows(made.trainer(site, data).evaluation(TEST, network, **overrides).run(len(cases)))
            if self.arm == ORACLE:
                found[site] = oracle_rows(found[site], cases, homes[site], self.place / "dicom" / site)
        return found

    def _fused(self, made: "Made", datasets: Mapping[str, CheckedDataset]) -> Consensus:
        """The consensus of the local models of this seed."""
        networks = []
        for site in made.task.sites:
            local = Cell(bundle=self.bundle, arm=f"{LOCAL}:{site}", seed=self.seed, place=self.place)
            trainer = made.trainer(site, datasets[site])
            trainer.network.load_state_dict(torch.load(local.weights, weights_only=True))
            networks.append(trainer.network)
        return Consensus(networks, made.task.fused)


@dataclass(frozen=True)
class Made:
    """Trainers of one cell."""

    task: Task
    arm: str
    root: Path
    seed: int
    scratch: Path

    def trainer(self, name: str, data: CheckedDataset) -> Trainer:
        """The hospital's own trainer, on one dataset."""
        scratch = self.scratch / name
        scratch.mkdir(exist_ok=True)
        travels = sharing(self.root, way_of(self.task, self.arm))
        settings = (self.task.local_epochs, "cpu", self.seed, recipe_digest(self.root))
        return Trainer(self.root, data, scratch, *settings, min_cell=5, sharing=travels)

    def measure(
        self, datasets: Mapping[str, CheckedDataset], weights: Weights, trainers: Mapping[str, Trainer], rounds: int
    ) -> dict[str, Any]:
        """Each site's test cases by weights that so many rounds have made: site -> metric -> rows."""
        found = {}
        for site, data in datasets.items():
            trainer = trainers.get(site) or self.trainer(site, data)
            found[site] = _rows(trainer.measure(TEST, weights, rounds))
        return found


def commit() -> str:
    """The commit that runs, with a mark where code or bundles differ from it."""
    command = ["git", "-C", str(BUNDLES.parent)]
    told = [
        subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout.strip()
        for words in (
            ["rev-parse", "--short", "HEAD"],
            ["status", "--porcelain", "custom", "bundles", "benchmarks/value"],
        )
    ]
    return told[0] + ("+changes" if told[1] else "")


def _rows(measured: Mapping[str, Measured]) -> dict[str, list[list[float]]]:
    """Values by case; JSON knows no NaN, so what is undefined is null."""
    return {
        name: [[None if np.isnan(value) else round(float(value), 6) for value in row] for row in each.rows]
        for name, each in measured.items()
    }


if __name__ == "__main__":
    # ITK's SWIG modules and TorchScript warn while they load; a table of cells has no use for it
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    sys.path.insert(0, str(BUNDLES.parent / "custom"))
    tyro.cli(Cell).run()
