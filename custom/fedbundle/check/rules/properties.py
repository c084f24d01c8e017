"""MONAI finds in the workflows what it asks of training and of inference."""

from collections.abc import Iterator

from monai.bundle.properties import InferProperties, TrainProperties
from monai.utils import BundleProperty, BundlePropertyConfig

from fedbundle.bundle.ids import has
from fedbundle.check.finding import Problem
from fedbundle.check.running import telling, workflow
from fedbundle.check.subject import INFERENCE, METADATA, TRAIN, Subject, written

ID, REQUIRED = BundlePropertyConfig.ID, BundleProperty.REQUIRED


def properties(bundle: Subject) -> Iterator[Problem]:
    """`check_properties` of both workflows."""
    if bundle.stock:
        yield from _ids(bundle)
        return
    for config, kind in ((TRAIN, "train"), (INFERENCE, "infer")):
        opened = workflow(bundle, config, kind)
        known = opened.properties or {}
        # MONAI's own check builds each of them, and ends at the first that is not there
        missing = [n for n, rule in known.items() if rule[REQUIRED] and rule[ID] not in opened.parser]
        if not missing:
            with telling(config, ""):
                missing = opened.check_properties() or []
        for name in missing:
            key = written(str(known[name][ID]))
            file = METADATA if key.startswith("_meta_") else config
            told = "must be there" if known[name][REQUIRED] else "must be what the config refers to"
            yield Problem(file, key.removeprefix("_meta_#"), f"{told} as property {name!r} of MONAI; mend it")


def _ids(bundle: Subject) -> Iterator[Problem]:
    """Of a stock bundle, whose data nobody can make up, the ids alone: MONAI's own check builds its datasets."""
    bundle.tell("ids alone: MONAI's check_properties builds datasets, and there are no rules by which to make data")
    for config, known in ((TRAIN, TrainProperties), (INFERENCE, InferProperties)):
        if config == INFERENCE and not (bundle.root / INFERENCE).is_file():
            continue
        for name, rule in known.items():
            if rule[REQUIRED] and not has(bundle.json(config), str(rule[ID])):
                yield Problem(config, written(str(rule[ID])), f"must be there as property {name!r} of MONAI; mend it")
