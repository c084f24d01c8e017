"""The arms: who trains on what. All go through the rounds of the real federation, messages apart."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fedbundle.bundle.declared import calibration, key_metric
from fedbundle.flare.fedavg import Weights
from fedbundle.flare.first_weights import first_network, first_weights
from fedbundle.flare.rounds import Answers, Plan, Selected, federate
from fedbundle.flare.shared import SHARED, Sharing
from fedbundle.flare.trainer import Trainer
from fedbundle.site.dataset import CheckedDataset
from value.tasks import Task
from value.ways import ALL, ALL_BUT_NORMS, CONSENSUS, DECLARED, LOCAL, POOLED, Way

Tell = Callable[[str], None]


class AtHome:
    """The messenger of `federate` where all sites live in one process."""

    def __init__(self, trainers: Mapping[str, Trainer], tell: Tell) -> None:
        """Serve these sites; `tell` hears a line per round."""
        self.trainers, self.tell = trainers, tell
        self.metrics: list[float | None] = []

    def train(self, weights: Weights, sites: Sequence[str], number: int) -> Answers:
        """Each site trains on the weights."""
        return {site: self.trainers[site].train(weights, number) for site in sites}

    def evaluate(self, weights: Weights, sites: Sequence[str], number: int, split: str) -> Answers:
        """Each site evaluates the weights."""
        return {site: self.trainers[site].evaluate(weights, split, number) for site in sites}

    def round_ended(self, number: int, answers: Answers, metric: float | None, weights: Weights) -> None:  # noqa: ARG002
        """Keep the curve."""
        self.metrics.append(metric)
        self.tell(f"round {number}: {metric}")

    def evaluated(self, name: str, answers: Answers, metric: float | None) -> None:  # noqa: ARG002
        """Keep the last point of the curve."""
        if metric is not None:
            self.metrics.append(metric)

    def improved(self, weights: Weights) -> None:
        """Nothing to keep: `federate` returns the selected weights."""

    def selected(self, selected: Selected) -> None:
        """Nothing to tell."""


def names(task: Task) -> list[str]:
    """All arms of a task; those that need others' weights come last."""
    return [
        POOLED,
        *task.ways,
        *(f"{LOCAL}:{site}" for site in task.sites),
        *task.baselines,
        *([CONSENSUS] if task.fused else []),
    ]


def way_of(task: Task, arm: str) -> Way:
    """How an arm federates; a model of one place has all its weights in it."""
    return task.ways.get(arm) or Way(share=ALL)


def datasets_of(task: Task, arm: str, datasets: Mapping[str, CheckedDataset]) -> dict[str, CheckedDataset]:
    """Who takes part in the training of an arm, with which data."""
    from value.sites import pooled

    if arm == POOLED or arm in task.baselines:
        return {POOLED: pooled([datasets[site] for site in task.sites])}
    kind, _, which = arm.partition(":")
    sites = (which,) if kind == LOCAL else task.ways[arm].sites or task.sites
    return {site: datasets[site] for site in sites}


def sharing(root: Path, way: Way) -> Sharing:
    """Which weights of the bundle in `root` travel."""
    if way.share == DECLARED:
        return Sharing.of(root)
    return Sharing(tuple(norms(root)) if way.share == ALL_BUT_NORMS else (), SHARED)


def norms(root: Path) -> list[str]:
    """Prefixes of the weights of normalisation layers."""
    kinds = (nn.GroupNorm, nn.LayerNorm, nn.modules.batchnorm._NormBase)
    return sorted(f"{name}." for name, module in first_network(root).named_modules() if isinstance(module, kinds))


def train(
    task: Task, arm: str, root: Path, trainers: Mapping[str, Trainer], seed: int, tell: Tell
) -> tuple[Selected, AtHome]:
    """Run the rounds of an arm over these sites."""
    messenger, way = AtHome(trainers, tell), way_of(task, arm)
    plan = Plan(task.rounds, len(trainers), key_metric(root), calibration(root), way.server_momentum)
    travel, _ = sharing(root, way).split(first_weights(root, seed))
    return federate(messenger, plan, travel, sorted(trainers)), messenger


class Consensus(nn.Module):
    """Label fusion of several networks: the mean of their probabilities, as logits.

    Consensus of local models against federated learning: arXiv 2309.17097.
    """

    def __init__(self, networks: Sequence[nn.Module], fused: str) -> None:
        """Join networks of one interface: [batch, channel, *space] to logits [batch, class, *].

        Args:
            networks: to be joined.
            fused: `softmax` over classes, or `sigmoid` of each channel by itself.
        """
        super().__init__()
        self.networks, self.fused = nn.ModuleList(networks), fused

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the mean probabilities."""
        told = torch.stack([network(image) for network in self.networks])
        if self.fused == "sigmoid":
            return torch.logit(torch.sigmoid(told).mean(0), eps=1e-8)
        return torch.log(torch.softmax(told, 2).mean(0).clamp_min(1e-8))
