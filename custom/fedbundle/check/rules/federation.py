"""The names that a federation, and whoever runs the bundle, rely on."""

from collections.abc import Iterator
from typing import Any

from fedbundle.bundle.declared import METRIC, checked_calibration, key_metric
from fedbundle.bundle.ids import NEEDED as IDS
from fedbundle.bundle.ids import has as names
from fedbundle.check.finding import Problem
from fedbundle.check.subject import EVALUATE, INFERENCE, TRAIN, Subject
from fedbundle.check.walk import found, has

PLACES = ("bundle_root", "dataset_dir", "datalist", "ckpt_dir", "output_dir", "device", "network_def", "network")
NEEDED = {
    TRAIN: (
        *PLACES,
        *("seed", "validation_section", "loss", "optimizer", "train#dataset", "train#trainer"),
        *("validate#dataset", "validate#evaluator", "validate#key_metric", "run"),
    ),
    INFERENCE: (*PLACES, "section", "evaluator", "run"),
    EVALUATE: ("validation_section", "validate#handlers", "run"),
}


def federation(bundle: Subject) -> Iterator[Problem]:
    """Keys, one key metric, and a calibration whose metrics are measured."""
    if bundle.stock:
        yield from _stock(bundle)
        return
    for file, keys in NEEDED.items():
        config = bundle.json(file)
        for key in keys:
            if not has(config, key) and key not in config:
                yield Problem(file, key, "must be there, got no such key; add it")
    train = bundle.json(TRAIN)
    yield from _key_metric(train)
    if "calibration" in train:
        yield from _calibration(train)


def _stock(bundle: Subject) -> Iterator[Problem]:
    """What the trainer reaches for; where the cases go in is a matter of each hospital's binding."""
    train = bundle.json(TRAIN)
    missing = [key for key in IDS if not names(train, key)]
    for key in missing:
        yield Problem(TRAIN, key, f"must be there, {IDS[key]}, got none; without it no federation can train it")
    if not missing:
        bundle.tell(f"selected by {key_metric(bundle.root)}")


def _key_metric(train: dict[str, Any]) -> Iterator[Problem]:
    if not has(train, "validate#key_metric"):
        return
    named = found(train, "validate#key_metric")
    if not isinstance(named, dict) or len(named) != 1:
        told = ", ".join(named) if isinstance(named, dict) else type(named).__name__
        yield Problem(TRAIN, "validate#key_metric", f"must be one metric with a name, got {told}; leave one")
        return
    others = found(train, "validate#additional_metrics") if has(train, "validate#additional_metrics") else {}
    for name in (*named, *(others if isinstance(others, dict) else {})):
        if not METRIC.fullmatch(name):
            yield Problem(
                TRAIN, "validate", f"metric must be called by letters, digits, _ and ., got {name!r}; rename it"
            )


def _calibration(train: dict[str, Any]) -> Iterator[Problem]:
    told = train["calibration"]
    try:
        declared = checked_calibration(told["weight"], told["metrics"])
    except (KeyError, TypeError, ValueError) as error:
        yield Problem(TRAIN, "calibration", f"must name a weight and metrics, got: {error}; mend it")
        return
    measured = found(train, "validate#additional_metrics") if has(train, "validate#additional_metrics") else {}
    for name in declared.metrics if isinstance(measured, dict) else ():  # else an expression: see the rule trains
        if name not in measured:
            yield Problem(
                TRAIN, f"calibration#metrics#{name}", "must be one of validate#additional_metrics, got none; add it"
            )
