"""The rounds of a run, carried by a messenger whose sites answer at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from fedbundle.bundle.declared import Calibration
from fedbundle.errors import FellShortError
from fedbundle.flare.answer import EVALUATED, REFUSED, USED, Answer
from fedbundle.flare.fedavg import Weights
from fedbundle.flare.rounds import Plan, Selected, _Best, calibrated, federate

KEY = "val_auc"
START = {"w": np.zeros(2, np.float32), "temperature": np.ones(1, np.float32)}
GRID = Calibration("temperature", {"nll_1": 1.0, "nll_2": 2.0, "nll_4": 4.0})


@dataclass
class AtOnce:
    """Sites that add one to `w` in each round; validation is best at `best`, where they refuse from `refuse` on."""

    best: float = 2.0
    refuse: dict[str, int] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    tested: Weights = field(default_factory=dict)

    def _metrics(self, weights: Weights) -> dict[str, dict[str, object]]:
        key = -abs(float(weights["w"][0]) - self.best)
        return {KEY: {"value": key, "n": 9}} | {n: {"value": abs(t - 2), "n": 9} for n, t in GRID.metrics.items()}

    def train(self, weights: Weights, sites: Sequence[str], number: int) -> dict[str, Answer]:
        params = {"w": weights["w"] + 1, "temperature": weights["temperature"]}
        used = Answer(USED, weight=3.0, metrics=self._metrics(weights), params=params)
        return {s: Answer(REFUSED, "no") if self.refuse.get(s, 99) <= number else used for s in sites}

    def evaluate(self, weights: Weights, sites: Sequence[str], number: int, split: str) -> dict[str, Answer]:
        self.tested = weights
        self.heard.append(f"{split} {number} {len(sites)}")
        return {site: Answer(EVALUATED, metrics=self._metrics(weights)) for site in sites}

    def round_ended(self, number: int, answers: dict[str, Answer], metric: float | None, weights: Weights) -> None:
        self.heard.append(f"round {number} {len(answers)} {metric} {weights['w'][0]:g}")

    def evaluated(self, name: str, answers: dict[str, Answer], metric: float | None) -> None:
        self.heard.append(f"{name}: {len(answers)} {metric}")

    def improved(self, weights: Weights) -> None:
        self.heard.append(f"improved {weights['w'][0]:g} {weights['temperature'][0]:g}")

    def selected(self, selected: Selected) -> None:
        self.heard.append(f"selected {selected.round}")


def test_a_server_with_momentum_moves_on_as_earlier_rounds_moved() -> None:
    carrier = AtOnce()
    federate(carrier, Plan(3, 2, KEY, server_momentum=0.5), START, ["a", "b"])
    moved = [line.split()[-1] for line in carrier.heard if line.startswith("round")]
    assert moved == ["1", "2.5", "4.25"]  # by 1, 1 + 1/2, 1 + 1/2 + 1/4


def test_the_best_round_is_selected_and_tested() -> None:
    carrier = AtOnce()
    selected = federate(carrier, Plan(4, 2, KEY), START, ["a", "b"])
    assert (selected.round, selected.metric, selected.weights["w"][0]) == (1, 0.0, 2.0)
    assert carrier.tested is selected.weights
    assert carrier.heard[-1] == "test of the selected weights: 2 None"
    assert selected.calibrated == {}


def test_the_temperature_of_lowest_pooled_loss_goes_into_the_selected_weights() -> None:
    carrier = AtOnce()
    selected = federate(carrier, Plan(3, 2, KEY, GRID), START, ["a", "b"])
    assert selected.weights["temperature"] == pytest.approx([2.0])
    assert selected.calibrated == {"weight": "temperature", "value": 2.0, "metric": "nll_2", "mean": 0.0}
    assert "improved 2 2" in carrier.heard
    assert "reason" not in selected.calibrated
    assert carrier.tested["temperature"] == pytest.approx([2.0])


def test_who_refuses_is_not_asked_again() -> None:
    carrier = AtOnce(refuse={"c": 1})
    federate(carrier, Plan(3, 2, KEY), START, ["a", "b", "c"])
    assert "validation 3 2" in carrier.heard


def test_below_the_quorum_the_run_falls_short() -> None:
    with pytest.raises(FellShortError, match=r"got 1 in round 1 \(b refused: no\)"):
        federate(AtOnce(refuse={"b": 1}), Plan(3, 2, KEY), START, ["a", "b"])


def test_without_the_key_metric_nothing_is_selected() -> None:
    with pytest.raises(FellShortError, match="at least one site must report other"):
        federate(AtOnce(), Plan(2, 2, "other"), START, ["a", "b"])


def answer(weight: float, **told: float | None) -> Answer:
    return Answer(USED, weight=weight, metrics={name: {"value": value, "n": 9} for name, value in told.items()})


def test_sites_count_by_their_training_cases_in_every_comparison() -> None:
    best = _Best(AtOnce(), Plan(2, 2, KEY))
    cases = {"a": 190.0, "b": 10.0}
    best.consider(0, START, {"a": answer(190, val_auc=0.80), "b": answer(10, val_auc=0.60)}, cases)
    last = {"a": Answer(EVALUATED, metrics=answer(0, val_auc=0.78).metrics)}
    last["b"] = Answer(EVALUATED, metrics=answer(0, val_auc=0.82).metrics)  # equal weights would give .80 > .79
    best.consider(1, START, last, cases)
    assert best.selected(cases).round == 0


def test_a_site_that_falls_silent_makes_no_weights_better() -> None:
    best = _Best(AtOnce(), Plan(2, 1, KEY))
    cases = {"a": 10.0, "b": 10.0}
    best.consider(0, START, {"a": answer(10, val_auc=0.80), "b": answer(10, val_auc=0.60)}, cases)
    best.consider(1, START, {"a": answer(10, val_auc=0.80), "b": answer(10, val_auc=None)}, cases)
    assert best.selected(cases).round == 0


def test_calibration_that_cannot_be_done_is_told() -> None:
    told = {"a": answer(10, nll_1=0.5, nll_2=None, nll_4=0.7)}
    weights, found = calibrated(START, GRID, told, {"a": 10.0})
    assert weights is START
    assert (found["value"], "no site told" in found["reason"]) == (1.0, True)
    edge = {"a": answer(10, nll_1=0.5, nll_2=0.6, nll_4=0.7)}
    assert "edge" in calibrated(START, GRID, edge, {"a": 10.0})[1]["reason"]


def test_a_network_without_the_weight_to_calibrate_trains_no_round() -> None:
    carrier = AtOnce()
    with pytest.raises(FellShortError, match="must have the weight temperature"):
        federate(carrier, Plan(2, 2, KEY, GRID), {"w": START["w"]}, ["a", "b"])
    assert carrier.heard == []
