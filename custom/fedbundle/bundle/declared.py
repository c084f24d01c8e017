"""What a bundle declares of its own training, read from its configs without evaluating anything in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.bundle.ids import found, has
from fedbundle.errors import BundleError
from fedbundle.files import read_json

PHANTOM, FULL = "phantom", "full"
SIZES = (PHANTOM, FULL)
TRAIN, EXPORT = "configs/train.json", "provenance/export.json"
KEY_METRIC = ("validate#key_metric", "validate#evaluator#key_val_metric")
METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
KEEP_LOCAL = re.compile(r"\+?keep_local(#|::|$)")  # as a key of a file that MONAI merges into another
WEIGHT = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}")


@dataclass(frozen=True)
class Calibration:
    """A weight of the network that is multiplied after training, by the number whose metric is lowest.

    Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017: a temperature by the
    negative log likelihood on validation cases. Here each site tells its mean for every candidate, and the federation
    takes the candidate with the lowest mean over sites.
    """

    weight: str = ""  # name in the state dict; "" = the bundle declares none
    metrics: Mapping[str, float] = field(default_factory=dict)  # validation metric -> value it stands for


def size_configs(root: Path, config: str, size: str) -> list[str]:
    """Config files of a size, in the order in which MONAI merges them: `configs/train.json`, `configs/full.json`.

    Args:
        root: bundle folder.
        config: `train.json`, `inference.json` …
        size: `phantom`, which the configs themselves are, or `full`, whose differences stand in `full.json`.

    Raises:
        BundleError: the bundle has no such size.
    """
    if size not in SIZES:
        raise BundleError(f"size must be one of {', '.join(SIZES)}, got {size!r}; choose one of them")
    files = [f"configs/{config}"] + ([f"configs/{size}.json"] if size != PHANTOM else [])
    for file in files:
        if not (root / file).is_file():
            raise BundleError(f"bundle {root.name} must hold {file} for the size {size}, got none; add it")
    return files


def released_size(root: Path) -> str:
    """Size of the weights that an exported bundle carries, by its provenance; `phantom` where it says nothing.

    Raises:
        BundleError: it says something else than a size.
    """
    path = root / EXPORT
    told = read_json(path) if path.is_file() else {}
    size = told.get("size", PHANTOM) if isinstance(told, dict) else None
    if size not in SIZES:
        raise BundleError(
            f"size in {EXPORT} of {root.name} must be one of {', '.join(SIZES)}, got another; export again"
        )
    return str(size)


def key_metric(root: Path) -> str:
    """Name of the metric by which weights are selected; higher is better.

    Raises:
        BundleError: the validation of `train.json` has not exactly one key metric.
    """
    config = _train(root)
    key = next((key for key in KEY_METRIC if has(config, key)), "")
    named = found(config, key) if key else None
    if not isinstance(named, dict) or len(named) != 1 or not METRIC.fullmatch(next(iter(named))):
        raise BundleError(f"{key or KEY_METRIC[1]} in {TRAIN} of {root.name} must be one metric with a name; mend it")
    return str(next(iter(named)))


def calibration(root: Path) -> Calibration:
    """What the bundle declares in `calibration` of `train.json`; an empty one where it declares nothing.

    Raises:
        BundleError: it is no weight with metrics that stand for positive numbers.
    """
    told = _train(root).get("calibration")
    if told is None:
        return Calibration()
    try:
        return checked_calibration(told["weight"], told["metrics"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"calibration in {TRAIN} of {root.name} must name a weight and metrics: {error}") from error


def keep_local(root: Path) -> tuple[str, ...]:
    """Prefixes of the weights that never leave a hospital, from `keep_local` of `train.json`; none by default.

    Raises:
        BundleError: it is no list of prefixes of names, or the file of a size sets it too.
    """
    for path in sorted(root / "configs" / f"{size}.json" for size in SIZES if size != PHANTOM):
        content = read_json(path) if path.is_file() else {}
        if any(KEEP_LOCAL.match(key) for key in content):
            raise BundleError(
                f"keep_local of {root.name} must stand in {TRAIN}, for all sizes, got one in configs/{path.name}; "
                "move it there"
            )
    told = _train(root).get("keep_local", [])
    if not isinstance(told, list) or not all(isinstance(each, str) and WEIGHT.fullmatch(each) for each in told):
        raise BundleError(f"keep_local in {TRAIN} of {root.name} must list prefixes of weights, got others; mend it")
    return tuple(told)


def checked_calibration(weight: str, metrics: Mapping[str, float]) -> Calibration:
    """A calibration whose parts can be used as names and numbers; ValueError for others."""
    if not weight and not metrics:
        return Calibration()
    if not isinstance(weight, str) or not WEIGHT.fullmatch(weight):
        raise ValueError(f"weight must be a name of a state dict, got {weight!r}")
    if not isinstance(metrics, Mapping) or not metrics:
        raise ValueError("metrics must map names to numbers, got none")
    for name, value in metrics.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not METRIC.fullmatch(name) or not number or not 0 < value < 1000:
            raise ValueError(f"metrics must stand for numbers above 0, got {name!r}: {value!r}")
    return Calibration(weight, {name: float(value) for name, value in metrics.items()})


def _train(root: Path) -> dict[str, Any]:
    content = read_json(root / TRAIN)
    if not isinstance(content, dict):
        raise BundleError(f"{TRAIN} of {root.name} must be a JSON object, got {type(content).__name__}; mend it")
    return content
