"""The rounds of federated averaging, whoever carries the messages: NVFlare's controller, or a loop in one process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from fedbundle.bundle.declared import Calibration
from fedbundle.errors import FellShortError
from fedbundle.flare.answer import USED, Answer
from fedbundle.flare.fedavg import Weights, average
from fedbundle.flare.ledger import OUT
from fedbundle.flare.waits import count_done

Answers = dict[str, Answer]
VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True)
class Plan:
    """What a run does."""

    rounds: int
    quorum: int  # sites that must answer in every round
    key_metric: str  # higher is better
    calibration: Calibration = field(default_factory=Calibration)


@dataclass(frozen=True)
class Selected:
    """The weights of a run, and why these."""

    round: int
    metric: float
    weights: Weights
    calibrated: Mapping[str, Any] = field(default_factory=dict)  # weight, value and, before and after, the metric


class Messenger(Protocol):
    """Brings weights to the sites and their answers back, and hears what comes of them."""

    def train(self, weights: Weights, sites: Sequence[str], number: int) -> Answers:
        """The answers to a round of training."""

    def evaluate(self, weights: Weights, sites: Sequence[str], number: int, split: str) -> Answers:
        """The answers to an evaluation."""

    def round_ended(self, number: int, answers: Answers, metric: float | None, weights: Weights) -> None:
        """A round has made these weights; `metric` is that of the weights it began with."""

    def evaluated(self, name: str, answers: Answers, metric: float | None) -> None:
        """An evaluation has ended."""

    def improved(self, weights: Weights) -> None:
        """No weights so far were better."""

    def selected(self, selected: Selected) -> None:
        """These weights are what the run gives."""


def federate(messenger: Messenger, plan: Plan, weights: Weights, sites: Sequence[str]) -> Selected:
    """Train for all rounds, select, calibrate, test.

    The weights of round r are judged by the sites' validation metric at the start of round r + 1 (the last ones by an
    evaluation of their own); the best are kept, calibrated where the bundle declares it, and tested at every site.

    Raises:
        FellShortError: a round or evaluation had no quorum, or no site told the key metric.
    """
    best = _Best(messenger, plan)
    invited = list(sites)
    for number in range(plan.rounds):
        _invite(invited, plan)
        answers = messenger.train(weights, invited, number)
        metric = pooled(answers, plan.key_metric)
        if number > 0:
            best.consider(number - 1, metric, weights, answers)
        updates = {site: (a.params, a.weight) for site, a in answers.items() if a.status == USED}
        weights = average(updates) if len(updates) >= plan.quorum else weights
        messenger.round_ended(number, answers, metric, weights)
        _require(answers, plan, f"round {number}")
        invited = still_in(answers)
    answers = _evaluate(messenger, plan, weights, invited, plan.rounds, VALIDATION)
    metric = pooled(answers, plan.key_metric)
    messenger.evaluated("validation of the last round", answers, metric)
    _require(answers, plan, "the last validation")
    best.consider(plan.rounds - 1, metric, weights, answers)
    selected = best.selected()
    messenger.selected(selected)
    answers = _evaluate(messenger, plan, selected.weights, still_in(answers), plan.rounds + 1, TEST)
    messenger.evaluated("test of the selected weights", answers, None)
    _require(answers, plan, "the test")
    return selected


def pooled(answers: Answers, name: str) -> float | None:
    """A metric over the sites that told it, weighted by their training cases (equally in an evaluation)."""
    told = [
        (answer.metrics[name]["value"], answer.weight or 1.0)
        for answer in answers.values()
        if answer.done and answer.metrics.get(name, {}).get("value") is not None
    ]
    if not told:
        return None
    return round(float(np.average([value for value, _ in told], weights=[weight for _, weight in told])), 4)


def still_in(answers: Answers) -> list[str]:
    """Sites to ask again: not those that refused or fell silent."""
    return [site for site, answer in answers.items() if answer.status not in OUT]


def calibrated(weights: Weights, calibration: Calibration, answers: Answers) -> tuple[Weights, dict[str, Any]]:
    """Weights times the number of lowest pooled metric, and what to tell of it; unchanged where no site told any.

    Args:
        weights: of the network.
        calibration: what the bundle declares.
        answers: validation of exactly these weights.
    """
    means = {name: mean for name in calibration.metrics if (mean := pooled(answers, name)) is not None}
    if not means or calibration.weight not in weights:
        return weights, {}
    name = min(means, key=lambda each: means[each])
    value = calibration.metrics[name]
    told = {"weight": calibration.weight, "value": value, "metric": name, "mean": means[name]}
    return {**weights, calibration.weight: np.asarray(weights[calibration.weight]) * np.float32(value)}, told


class _Best:
    """The best weights so far."""

    def __init__(self, messenger: Messenger, plan: Plan) -> None:
        self._messenger, self._plan = messenger, plan
        self._weights: Weights | None = None
        self._answers: Answers = {}
        self._round, self._metric = -1, -np.inf

    def consider(self, number: int, metric: float | None, weights: Weights, answers: Answers) -> None:
        """Keep `weights`, the result of round `number`, if `answers` tell that they are better than all before."""
        if metric is not None and metric > self._metric:
            self._round, self._metric, self._weights, self._answers = number, metric, weights, answers
            self._messenger.improved(weights)

    def selected(self) -> Selected:
        """The best weights, calibrated; FellShortError when no site ever reported the metric."""
        if self._weights is None:
            raise FellShortError(
                f"at least one site must report {self._plan.key_metric}, got none; nothing can be selected"
            )
        weights, told = calibrated(self._weights, self._plan.calibration, self._answers)
        if told:
            self._messenger.improved(weights)
        return Selected(self._round, self._metric, weights, told)


def _invite(sites: list[str], plan: Plan) -> None:
    if len(sites) < plan.quorum:
        raise FellShortError(f"quorum must be {plan.quorum} sites, got {len(sites)} still in; see the ledger")


def _evaluate(messenger: Messenger, plan: Plan, weights: Weights, sites: list[str], number: int, split: str) -> Answers:
    _invite(sites, plan)
    return messenger.evaluate(weights, sites, number, split)


def _require(answers: Answers, plan: Plan, when: str) -> None:
    if (count := count_done(answers)) < plan.quorum:
        why = "; ".join(f"{site} {a.status}: {a.reason}" for site, a in answers.items() if not a.done)
        raise FellShortError(f"quorum must be {plan.quorum} sites, got {count} in {when} ({why}); ask these sites")
