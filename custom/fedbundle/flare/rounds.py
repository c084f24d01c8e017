"""The rounds of federated averaging, whoever carries the messages: NVFlare's controller, or a loop in one process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from fedbundle.bundle.declared import Calibration
from fedbundle.errors import FellShortError
from fedbundle.flare.answer import USED, Answer
from fedbundle.flare.fedavg import ServerMomentum, Weights, average
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
    server_momentum: float = 0.0  # see ServerMomentum


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
        """The answers to an evaluation of weights that `number` rounds have made."""

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
        FellShortError: a round or evaluation had no quorum, no site told the key metric, or the network lacks the
            weight that is to be calibrated.
    """
    if plan.calibration.weight and plan.calibration.weight not in weights:
        raise FellShortError(
            f"network must have the weight {plan.calibration.weight} that the bundle calibrates, got none; mend it"
        )
    best, server = _Best(messenger, plan), ServerMomentum(plan.server_momentum)
    cases: dict[str, float] = {}  # of each site, as it last trained
    invited = list(sites)
    for number in range(plan.rounds):
        _invite(invited, plan)
        answers = messenger.train(weights, invited, number)
        cases |= {site: answer.weight for site, answer in answers.items() if answer.status == USED}
        if number > 0:
            best.consider(number - 1, weights, answers, cases)
        metric = pooled(values(answers, plan.key_metric), cases)
        updates = {site: (a.params, a.weight) for site, a in answers.items() if a.status == USED}
        weights = server.step(weights, average(updates)) if len(updates) >= plan.quorum else weights
        messenger.round_ended(number, answers, metric, weights)
        _require(answers, plan, f"round {number}")
        invited = still_in(answers)
    answers = _evaluate(messenger, plan, weights, invited, plan.rounds, VALIDATION)
    messenger.evaluated("validation of the last round", answers, pooled(values(answers, plan.key_metric), cases))
    _require(answers, plan, "the last validation")
    best.consider(plan.rounds - 1, weights, answers, cases)
    selected = best.selected(cases)
    messenger.selected(selected)
    answers = _evaluate(messenger, plan, selected.weights, still_in(answers), selected.round + 1, TEST)
    messenger.evaluated("test of the selected weights", answers, None)
    _require(answers, plan, "the test")
    return selected


def values(answers: Answers, name: str) -> dict[str, float]:
    """A metric of each site that told it."""
    return {
        site: float(answer.metrics[name]["value"])
        for site, answer in answers.items()
        if answer.done and answer.metrics.get(name, {}).get("value") is not None
    }


def pooled(told: Mapping[str, float], cases: Mapping[str, float]) -> float | None:
    """Mean over sites, weighted by the training cases that each used last; None without any."""
    shares = {site: cases[site] for site in told if cases.get(site)}
    if not shares:
        return None
    return round(float(np.average([told[site] for site in shares], weights=list(shares.values()))), 4)


def still_in(answers: Answers) -> list[str]:
    """Sites to ask again: not those that refused or fell silent."""
    return [site for site, answer in answers.items() if answer.status not in OUT]


def calibrated(
    weights: Weights, calibration: Calibration, answers: Answers, cases: Mapping[str, float]
) -> tuple[Weights, dict[str, Any]]:
    """Weights times the number of lowest pooled metric, and what to tell of it.

    Args:
        weights: of the network.
        calibration: what the bundle declares; nothing is done without it.
        answers: validation of exactly these weights.
        cases: training cases of each site.
    """
    if not calibration.weight:
        return weights, {}
    told = {name: pooled(values(answers, name), cases) for name in calibration.metrics}
    means = {name: mean for name, mean in told.items() if mean is not None}
    if len(means) < len(told):
        reason = "no site told these metrics, as it does with few validation patients; the weight is as it was trained"
        return weights, {"weight": calibration.weight, "value": 1.0, "reason": reason}
    name = min(means, key=lambda each: means[each])
    value = calibration.metrics[name]
    found = {"weight": calibration.weight, "value": value, "metric": name, "mean": means[name]}
    if value in (min(calibration.metrics.values()), max(calibration.metrics.values())):
        found["reason"] = "the lowest mean stands at the edge of the candidates; a better value may lie beyond"
    return {**weights, calibration.weight: np.asarray(weights[calibration.weight]) * np.float32(value)}, found


class _Best:
    """The best weights so far; compared over the sites that judged both."""

    def __init__(self, messenger: Messenger, plan: Plan) -> None:
        self._messenger, self._plan = messenger, plan
        self._weights: Weights | None = None
        self._answers: Answers = {}
        self._values: dict[str, float] = {}
        self._round = -1

    def consider(self, number: int, weights: Weights, answers: Answers, cases: Mapping[str, float]) -> None:
        """Keep `weights`, the result of round `number`, if `answers` tell that they are better than those so far."""
        now = values(answers, self._plan.key_metric)
        both = now.keys() & self._values.keys() if self._values else now.keys()
        new = pooled({site: now[site] for site in both}, cases)
        old = pooled({site: self._values[site] for site in both}, cases) if self._values else -np.inf
        if new is not None and old is not None and new > old:
            self._round, self._values, self._weights, self._answers = number, now, weights, answers
            self._messenger.improved(weights)

    def selected(self, cases: Mapping[str, float]) -> Selected:
        """The best weights, calibrated; FellShortError when no site ever reported the metric."""
        metric = pooled(self._values, cases)
        if self._weights is None or metric is None:
            raise FellShortError(
                f"at least one site must report {self._plan.key_metric}, got none; nothing can be selected"
            )
        weights, told = calibrated(self._weights, self._plan.calibration, self._answers, cases)
        if told:
            self._messenger.improved(weights)
        return Selected(self._round, metric, weights, told)


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
