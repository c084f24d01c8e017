"""How often the spread that a report of a risk shows holds the true risk, which phantoms alone know."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fedblocks.transforms.write_risk import WriteRiskd
from fedbundle.site.home import SiteHome
from value.cell import Cell, Made
from value.oracle import truth_of
from value.sites import BUNDLES, TEST, dataset
from value.tasks import Task

YEARS = 10


@dataclass(frozen=True)
class Spread:
    """Of one site, over test cases and seeds."""

    site: str
    covered: float  # share of cases whose true risk lies between low and high
    width: float  # mean of high less low
    apart: float  # mean absolute difference of the risk told and the true one


def spreads(task: Task, arm: str, seeds: Sequence[int], workspace: Path) -> list[Spread]:
    """Of an arm's weights at every site, by the transform that writes the bundle's results."""
    place, found = workspace / task.bundle, []
    for site in (*task.sites, task.unseen):
        home = SiteHome.open(place / "sites" / site)
        data = dataset(task, home)
        true = np.array(truth_of(data.datalist[TEST], home, place / "dicom" / site, f"risk_{YEARS}_years"))
        with tempfile.TemporaryDirectory(prefix="value-") as scratch:
            trainer = Made(task, arm, BUNDLES / task.bundle, 0, Path(scratch)).trainer(site, data)
            parser = trainer.section(TEST, trainer.network).parser
            images = [torch.as_tensor(case["image"]) for case in parser.get_parsed_content("validate#dataset")]
            edges, factors = (parser.get_parsed_content(name) for name in ("edges_years", "factors"))
            writer = WriteRiskd(scratch, trainer.network, edges, [YEARS], list(factors))
            trainer.network.eval()
            drawn = []
            for seed in seeds:
                weights = Cell(bundle=task.bundle, arm=arm, seed=seed, place=place).weights
                trainer.network.load_state_dict(torch.load(weights, weights_only=True))
                drawn.append([np.percentile(writer.drawn(image), (2.5, 50, 97.5)) for image in images])
        low, middle, high = np.moveaxis(np.array(drawn), -1, 0)
        covered = float(((low <= true) & (true <= high)).mean())
        found.append(Spread(site, covered, float((high - low).mean()), float(np.abs(middle - true).mean())))
    return found
