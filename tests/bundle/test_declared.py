"""What a bundle declares of its training."""

import json
from pathlib import Path
from typing import Any

import pytest

from fedbundle.bundle.declared import Calibration, calibration, key_metric, released_size, size_configs
from fedbundle.errors import BundleError


def bundle(root: Path, **train: Any) -> Path:
    (root / "configs").mkdir()
    (root / "configs" / "train.json").write_text(json.dumps(train))
    return root


def test_the_key_metric_is_the_one_of_the_validation(tmp_path: Path) -> None:
    root = bundle(tmp_path, validate={"key_metric": {"val_auc": {"_target_": "X"}}})
    assert key_metric(root) == "val_auc"


@pytest.mark.parametrize("named", [{}, {"a": 1, "b": 2}, "@other", {"$evil()": 1}])
def test_another_number_of_key_metrics_is_refused(named: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="must be one metric with a name"):
        key_metric(bundle(tmp_path, validate={"key_metric": named}))


def test_calibration(tmp_path: Path) -> None:
    root = bundle(tmp_path, calibration={"weight": "temperature", "metrics": {"val_nll_at_0.50": 0.5}})
    assert calibration(root) == Calibration("temperature", {"val_nll_at_0.50": 0.5})
    (tmp_path / "configs" / "train.json").write_text("{}")
    assert calibration(root) == Calibration()


@pytest.mark.parametrize(
    "told",
    [{}, {"weight": "t"}, {"weight": "t", "metrics": {"m": 0}}, {"weight": "a b", "metrics": {"m": 1}}, [1],
     {"weight": "t", "metrics": {"m": "$1"}}],
)  # fmt: skip
def test_an_unusable_calibration_is_refused(told: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="must name a weight and metrics"):
        calibration(bundle(tmp_path, calibration=told))


def test_sizes(tmp_path: Path) -> None:
    root = bundle(tmp_path)
    assert size_configs(root, "train.json", "phantom") == ["configs/train.json"]
    with pytest.raises(BundleError, match=r"must hold configs/full.json for the size full"):
        size_configs(root, "train.json", "full")
    (root / "configs" / "full.json").write_text("{}")
    assert size_configs(root, "train.json", "full") == ["configs/train.json", "configs/full.json"]
    with pytest.raises(BundleError, match="size must be one of phantom, full"):
        size_configs(root, "train.json", "../other")


def test_the_size_of_a_release_stands_in_its_provenance(tmp_path: Path) -> None:
    assert released_size(tmp_path) == "phantom"
    (tmp_path / "provenance").mkdir()
    (tmp_path / "provenance" / "export.json").write_text('{"size": "full"}')
    assert released_size(tmp_path) == "full"
    (tmp_path / "provenance" / "export.json").write_text('{"size": "huge"}')
    with pytest.raises(BundleError, match="export again"):
        released_size(tmp_path)
