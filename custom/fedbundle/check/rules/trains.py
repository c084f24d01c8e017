"""One step of training: a finite loss, weights that move, a key metric that can be computed, weights that are kept."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from monai.handlers import from_engine

from fedbundle.bundle.declared import FULL
from fedbundle.check.finding import ExemptError, Problem
from fedbundle.check.running import checkpoints, telling, workflow
from fedbundle.check.subject import TRAIN, Subject
from fedbundle.check.walk import found


def trains(bundle: Subject) -> Iterator[Problem]:
    """configs/train.json on synthetic data, then its validation, which in size full takes minutes and is left out."""
    if bundle.stock:
        raise ExemptError(
            "there are no rules by which to make data for a stock bundle; train it in the simulator, over bound data"
        )
    opened = workflow(bundle, TRAIN, "train")
    yield from one_step(bundle, opened, TRAIN)
    if bundle.size != FULL and not (checkpoints(bundle) / "model.pt").is_file():
        yield Problem(
            TRAIN, "validate#handlers", "must keep the best weights as model.pt in ckpt_dir, got none; add it"
        )


def one_step(bundle: Subject, opened: ConfigWorkflow, config: str) -> Iterator[Problem]:
    """Run training of one epoch and, but in size full, the validation of a workflow."""
    losses: list[float] = []
    with telling(config, "train#trainer"):
        network, trainer = (opened.parser.get_parsed_content(key) for key in ("network", "train#trainer"))
        before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: losses.extend(_losses(engine.state.output))
        )
    with telling(config, "run"):
        opened.run()
    if not losses or not all(map(math.isfinite, losses)):
        yield Problem(TRAIN, "loss", f"must be finite after a step, got {losses or 'no step'}; mend loss or network")
    elif all(torch.equal(before[name], weight.detach()) for name, weight in network.named_parameters()):
        yield Problem(TRAIN, "optimizer", "must move the weights of the network in a step, got none moved; mend it")
    known = {name.removeprefix("module.") for name in network.state_dict()}  # as a group of processes wraps it
    if (weight := opened.parser.get().get("calibration", {}).get("weight")) and weight not in known:
        yield Problem(TRAIN, "calibration#weight", f"must be a weight of the network, got {weight!r}; mend it")
    bundle.tell(f"loss {', '.join(f'{loss:.3g}' for loss in losses)}")
    if bundle.size == FULL:
        return
    with telling(config, "validate#evaluator"):
        evaluator = opened.parser.get_parsed_content("validate#evaluator")
        evaluator.run()
    yield from measured(evaluator, opened, TRAIN)


def measured(evaluator: Any, opened: ConfigWorkflow, config: str) -> Iterator[Problem]:
    """The key metric of an evaluation that has run is a number, and details of metrics are told case by case."""
    (name,) = found(opened.parser.get(), "validate#key_metric")
    value = evaluator.state.metrics.get(name)
    for calibrating in opened.parser.get().get("calibration", {}).get("metrics", {}):
        if calibrating not in evaluator.state.metrics:
            told = "must be measured by the validation, got none; add it to validate#additional_metrics"
            yield Problem(TRAIN, f"calibration#metrics#{calibrating}", told)
    cases = len(evaluator.data_loader.dataset)
    for each, details in evaluator.state.metric_details.items():
        if np.ndim(details) < 3 and len(details) != cases:  # as a hospital asks of it: flare/evaluation.py
            told = f"must keep one row per case, got {len(details)} of {cases}; mend the metric or its output_transform"
            yield Problem(config, f"validate#additional_metrics#{each}", told)
    if not isinstance(value, float | int) or not math.isfinite(value):
        key = f"validate#key_metric#{name}"
        yield Problem(config, key, f"must be a number where every class occurs, got {value}; mend the metric")


def _losses(output: Any) -> list[float]:
    return (
        [float(loss) for loss in from_engine(["loss"])(output)[0:1]]
        if isinstance(output, list)
        else [float(output["loss"])]
    )
