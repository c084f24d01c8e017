"""Broken copies of a sound bundle: each is found by its rule, in its file, at its key, and by nothing else that ran."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fedbundle.check.examine import examine
from fedbundle.check.finding import FAILED, NOT_TRIED, OK
from fedbundle.check.names import READING

SOUND = Path(__file__).parents[2] / "bundles" / "prostate_mri_zones"
TRAIN, INFERENCE, METADATA = "configs/train.json", "configs/inference.json", "configs/metadata.json"
SEVERAL, FULL, EVALUATE = "configs/multi_gpu_train.json", "configs/full.json", "configs/evaluate.json"
INGEST, DICOM_OUT = "configs/ingest.json", "configs/dicom_out.json"
MISSING = object()
OWN = '''"""Code of a bundle."""
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, fault):
        super().__init__()
        self.layer, self.fault = nn.Conv3d(1, 3, 1), fault

    def forward(self, image):
        """Logits."""
        if self.fault == "nan":
            return self.layer(image) / 0 * 0
        if self.fault == "random":
            return self.layer(image) + torch.rand(1)
        return self.layer(image)

class Normed(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv3d(1, 3, 1), nn.BatchNorm3d(3))

class Unscriptable(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv3d(1, 3, 1)

    def forward(self, image):
        """Logits, by words that TorchScript does not know."""
        return self.layer(*[part for part in (image,) if part is not None], **{})

class Drifting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv3d(1, 3, 1)

    def forward(self, image):
        """Logits, and others when scripted."""
        return self.layer(image) + (1.0 if torch.jit.is_scripting() else 0.0)
'''


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy that may be broken."""
    return shutil.copytree(SOUND, tmp_path / SOUND.name)


def put(root: Path, file: str, key: str, value: Any) -> None:
    """Set what stands at `key` (parts joined by /) of a JSON file, or take it out."""
    content = json.loads((root / file).read_text())
    place, parts = content, [int(part) if part.isdigit() else part for part in key.split("/")]
    for part in parts[:-1]:
        place = place[part]
    if value is MISSING:
        del place[parts[-1]]
    else:
        place[parts[-1]] = value
    (root / file).write_text(json.dumps(content))


def set_to(file: str, key: str, value: Any) -> Callable[[Path], None]:
    """A fault: another value at a key."""
    return lambda root: put(root, file, key, value)


def without(file: str) -> Callable[[Path], None]:
    """A fault: no such file."""
    return lambda root: (root / file).unlink()


def network(target: str, **arguments: Any) -> Callable[[Path], None]:
    """A fault: a network of the bundle's own, in both configs."""

    def change(root: Path) -> None:
        (root / "zones_own.py").write_text(OWN)
        for file in (TRAIN, INFERENCE):
            put(root, file, "network_def", {"_target_": f"zones_own.{target}", **arguments})

    return change


def both(*faults: Callable[[Path], None]) -> Callable[[Path], None]:
    """Several changes at once."""
    return lambda root: [fault(root) for fault in faults] and None


PRED = "network_data_format/outputs/pred"
# what is broken -> how, rule, file, key
READ: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "no licence": (without("LICENSE"), "layout", "LICENSE", ""),
    "no data licence": (without("docs/data_license.txt"), "layout", "docs/data_license.txt", ""),
    "no overlay for several GPUs": (without(SEVERAL), "layout", SEVERAL, ""),
    "broken JSON": (lambda root: (root / TRAIN).write_text('{"a": '), "layout", TRAIN, ""),
    "empty card": (lambda root: (root / "docs/README.md").write_text(""), "layout", "docs/README.md", ""),
    "card without limits": (
        lambda root: (root / "docs/README.md").write_text("# prostate_mri_zones\n## What has been measured\n"),
        *("documents", "docs/README.md", ""),
    ),
    "no changelog": (set_to(METADATA, "changelog", MISSING), "metadata", METADATA, ""),
    "no channels": (set_to(METADATA, f"{PRED}/num_channels", 0), "metadata", METADATA, f"{PRED}/num_channels"),
    "two inputs": (
        set_to(METADATA, "network_data_format/inputs", {}),
        *("metadata", METADATA, "network_data_format/inputs"),
    ),
    "version not told": (set_to(METADATA, "version", "9.9.9"), "version", METADATA, "changelog"),
    "open version": (set_to(METADATA, "monai_version", ">=1.6"), "version", METADATA, "monai_version"),
    "unknown rule for DICOM": (set_to(INGEST, "inputs/image/echo", 3), "dicom", INGEST, "inputs/image"),
    "segment without code": (set_to(DICOM_OUT, "segments/0/type", MISSING), "dicom", DICOM_OUT, "segments/0"),
    "overlay with an unknown key": (set_to(FULL, "patch_voxel", [1, 1, 1]), "overlays", FULL, "patch_voxel"),
    "overlay below nothing": (set_to(SEVERAL, "trian#sampler", 1), "overlays", SEVERAL, "trian/sampler"),
    "overlay that extends nothing": (set_to(EVALUATE, "+import", []), "overlays", EVALUATE, "+import"),
    "reference to nothing": (
        set_to(TRAIN, "train/trainer/inferer", "@no#such"),
        "references",
        TRAIN,
        "train/trainer/inferer",
    ),
    "reference in an expression": (set_to(INFERENCE, "run", ["$@evaluater.run()"]), "references", INFERENCE, "run/0"),
    "macro of nothing": (
        set_to(TRAIN, "validate/postprocessing", "%train#post"),
        "references",
        TRAIN,
        "validate/postprocessing",
    ),
    "no section to validate": (set_to(TRAIN, "validation_section", MISSING), "federation", TRAIN, "validation_section"),
    "two key metrics": (
        set_to(TRAIN, "validate/key_metric/second", {"_target_": "MeanDice"}),
        *("federation", TRAIN, "validate/key_metric"),
    ),
    "calibration by an unknown metric": (
        set_to(TRAIN, "calibration", {"weight": "temperature", "metrics": {"val_nll_at_1.00": 1.0}}),
        *("federation", TRAIN, "calibration/metrics/val_nll_at_1.00"),
    ),
    "channels without meaning": (
        set_to(METADATA, f"{PRED}/channel_def", {"0": "background"}),
        *("classes", METADATA, f"{PRED}/channel_def"),
    ),
    "label outside the channels": (set_to(INGEST, "label/values/3", "lesion"), "classes", INGEST, "label/values"),
    "segment that no label has": (set_to(DICOM_OUT, "segments/1/value", 7), "classes", DICOM_OUT, "segments/1/value"),
    "another spacing in inference": (set_to(INFERENCE, "spacing_mm", [1, 1, 3]), "one_recipe", INFERENCE, "spacing_mm"),
}
WIDTH, HIP_LABEL = "both_sides_from_mm", "classes/2/label"
HIP: dict[str, tuple[Callable[[Path], None], str, str]] = {  # what is broken -> how, key, what is told
    "thresholds that descend": (set_to(DICOM_OUT, "unsure", [0.7, 0.3]), "unsure", "must ascend, got 0.7, 0.3"),
    "two classes of one name": (set_to(DICOM_OUT, HIP_LABEL, "No Fracture"), HIP_LABEL, "got 'No Fracture' twice"),
    "a class by another name": (set_to(DICOM_OUT, HIP_LABEL, "Sprain"), HIP_LABEL, "neck fracture, displaced' as in"),
    "two widths": (set_to(DICOM_OUT, WIDTH, 200), WIDTH, "got 200 here, 300 in"),
}
RUN: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "no such class": (set_to(TRAIN, "loss/_target_", "DiceCELos"), "targets", TRAIN, "loss/_target_"),
    "no such module": (
        set_to(INFERENCE, "inferer/_target_", "fedblocks.gone.Inferer"),
        *("targets", INFERENCE, "inferer/_target_"),
    ),
    "no such argument": (
        set_to(SEVERAL, "network/device_id", 0),
        *("targets", SEVERAL, "network/device_id"),
    ),
    "argument left out": (set_to(TRAIN, "optimizer/params", MISSING), "targets", TRAIN, "optimizer"),
    "no Python": (set_to(EVALUATE, "run", ["$@validate#evaluator.run("]), "targets", EVALUATE, "run/0"),
    "no train#inferer": (
        both(set_to(TRAIN, "train/inferer", MISSING), set_to(TRAIN, "train/trainer/inferer", MISSING)),
        *("properties", TRAIN, "train/inferer"),
    ),
    "wrong num_channels": (
        both(
            set_to(METADATA, f"{PRED}/num_channels", 2),
            set_to(METADATA, f"{PRED}/channel_def", {"0": "background", "1": "gland"}),
        ),
        *("net_in_out", TRAIN, "network_def"),
    ),
    "batch statistics": (network("Normed"), "net_in_out", TRAIN, "network_def"),
    "NaN": (network("Net", fault="nan"), "net_in_out", TRAIN, "network_def"),
    "chance": (network("Net", fault="random"), "net_in_out", TRAIN, "network_def"),
    "not scriptable": (network("Unscriptable"), "torchscript", TRAIN, "network_def"),
    "scripted otherwise": (network("Drifting"), "torchscript", TRAIN, "network_def"),
    "weights that do not move": (set_to(TRAIN, "learning_rate", 0.0), "trains", TRAIN, "optimizer"),
    "two rows of a case": (
        set_to(
            TRAIN,
            "validate/additional_metrics/val_dice_transition_zone/output_transform",
            "$lambda output: tuple(part * 2 for part in class_of(1)(output))",
        ),
        *("trains", TRAIN, "validate/additional_metrics/val_dice_transition_zone"),
    ),
    "no checkpoint": (
        set_to(TRAIN, "validate/handlers/0", {"_target_": "StatsHandler"}),
        "trains",
        TRAIN,
        "validate/handlers",
    ),
    "no metrics written": (
        set_to(EVALUATE, "validate#handlers/2", {"_target_": "StatsHandler"}),
        "evaluates",
        EVALUATE,
        "validate/handlers",
    ),
    "not on the grid": (
        set_to(INFERENCE, "postprocessing/transforms/0", {"_target_": "Identityd", "keys": "pred"}),
        *("infers", INFERENCE, "postprocessing"),
    ),
    "group not left": (set_to(SEVERAL, "finalize", []), "several_gpus", SEVERAL, "finalize"),
}
ALSO = {  # faults that break more than one rule
    "empty card": ["documents"],
    "no channels": ["classes"],
    "no section to validate": ["references"],
    "no changelog": ["version"],
}
SLOWLY = (
    "weights that do not move",
    "two rows of a case",
    "no checkpoint",
    "no metrics written",
    "not on the grid",
    "group not left",
)


def found(root: Path, scratch: Path, names: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Rule -> places where it is broken."""
    scratch.mkdir()
    tried = list(examine(root, scratch, names=names))
    assert [finding.rule for finding in tried] == list(names)
    return {f.rule: [(p.file, p.key) for p in f.problems] for f in tried if f.result == FAILED}


@pytest.mark.parametrize("what", READ)
def test_reading_names_rule_file_and_key(what: str, bundle: Path, tmp_path: Path) -> None:
    fault, rule, file, key = READ[what]
    fault(bundle)
    broken = found(bundle, tmp_path / "scratch", READING)
    assert (file, key.replace("/", "#")) in broken[rule]
    assert broken.keys() == {rule, *ALSO.get(what, ())}


@pytest.mark.parametrize("what", HIP)
def test_what_is_told_of_classes_of_each_side_is_one_thing(what: str, tmp_path: Path) -> None:
    root = shutil.copytree(SOUND.parent / "hip_radiograph_fracture", tmp_path / "hip_radiograph_fracture")
    fault, key, told = HIP[what]
    fault(root)
    (problem,) = next(iter(examine(root, tmp_path, names=["classes"]))).problems
    assert (problem.file, problem.key) == (DICOM_OUT, key.replace("/", "#")) and told in problem.message


def test_two_recipes_are_told_by_both_values(bundle: Path, tmp_path: Path) -> None:
    put(bundle, INFERENCE, "spacing_mm", [1, 1, 3])
    put(bundle, INFERENCE, "network_def/_target_", "Other")
    problems = {p.key: p.message for p in next(iter(examine(bundle, tmp_path, names=["one_recipe"]))).problems}
    assert problems.keys() == {"spacing_mm", "network_def#_target_"}
    assert f"got [1, 1, 3] in {INFERENCE}, [" in problems["spacing_mm"]


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[pytest.mark.slow] if what in SLOWLY else []) for what in RUN]
)
def test_running_names_rule_file_and_key(what: str, bundle: Path, tmp_path: Path) -> None:
    fault, rule, file, key = RUN[what]
    fault(bundle)
    broken = found(bundle, tmp_path / "scratch", [rule])
    assert {name: set(places) for name, places in broken.items()} == {rule: {(file, key.replace("/", "#"))}}


def test_a_rule_that_cannot_be_tried_says_why_and_others_are_tried(bundle: Path, tmp_path: Path) -> None:
    (bundle / FULL).unlink()
    tried = {finding.rule: finding for finding in examine(bundle, tmp_path, names=READING)}
    assert (tried["overlays"].result, tried["overlays"].told) == (NOT_TRIED, f"{FULL} cannot be read")
    assert tried["references"].result == tried["classes"].result == OK


def test_there_is_no_fault_in_the_sound_one(tmp_path: Path) -> None:
    assert found(SOUND, tmp_path / "scratch", READING) == {}
