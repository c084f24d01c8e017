"""A minimal MONAI bundle for tests: a small 3D UNet that trains and infers with plain `python -m monai.bundle run`."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

NAME = "tiny_bundle"
VERSION = "0.1.0"
NETWORK = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
    "norm": "INSTANCE",
}
TENSOR = {"type": "image", "format": "magnitude", "modality": "MR", "dtype": "float32", "is_patch_data": True}


def write_tiny_bundle(folder: Path, name: str = NAME, bundle_version: str = VERSION) -> Path:
    """Write the bundle as `folder/name`, without fedblocks and without weights, and return its path."""
    root = folder / name
    documents = {
        "configs/metadata.json": _metadata(bundle_version),
        "configs/train.json": _train(),
        "configs/evaluate.json": {"validate#handlers": [], "run": ["$@validate#evaluator.run()"]},
        "configs/inference.json": _inference(),
        "configs/ingest.json": {
            "inputs": {"image": {"modality": "MR"}},
            "label": {"key": "label", "values": {"0": "b", "1": "f"}},
        },
        "eval/schema.json": _schema(),
    }
    for path, content in documents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (root / "docs").mkdir()
    (root / "docs" / "README.md").write_text("# Tiny bundle\nFor tests.\n", encoding="utf-8")
    (root / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    return root


def write_tiny_weights(path: Path, seed: int = 0) -> Path:
    """Write a state dict of the tiny bundle's network, random from `seed`, and return `path`."""
    import torch
    from monai.networks.nets import UNet

    torch.manual_seed(seed)
    network = UNet(**{key: value for key, value in NETWORK.items() if key != "_target_"})
    torch.save(network.state_dict(), path)
    return path


def _metadata(bundle_version: str) -> dict[str, Any]:
    spatial = {"spatial_shape": [16, 16, 16]}
    return {
        "schema": "eval/schema.json",
        "version": bundle_version,
        "changelog": {bundle_version: "for tests"},
        "monai_version": version("monai"),
        "pytorch_version": "2.13.0",
        "numpy_version": version("numpy"),
        "required_packages_version": {
            package: version(package) for package in ("fire", "jsonschema", "nibabel", "pytorch-ignite")
        },
        "task": "two classes",
        "description": "A bundle for tests",
        "authors": "fedbundle",
        "copyright": "fedbundle",
        "network_data_format": {
            "inputs": {
                "image": TENSOR | spatial | {"num_channels": 1, "value_range": [], "channel_def": {"0": "image"}}
            },
            "outputs": {
                "pred": TENSOR | spatial | {"num_channels": 2, "value_range": [], "channel_def": {"0": "b", "1": "f"}}
            },
        },
    }


def _common(section: str) -> dict[str, Any]:
    return {
        "imports": ["$import json", "$from pathlib import Path"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/dataset'",
        "ckpt_dir": "$@bundle_root + '/models'",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cpu')",
        "seed": 0,
        "datalist": "$@dataset_dir + '/datalist.json'",
        "cases": f"$[{{k: str(Path(@dataset_dir, c[k])) for k in ('image', 'label') if k in c}} "
        f"for c in json.loads(Path(@datalist).read_text())['{section}']]",
        "network_def": NETWORK,
        "network": "$@network_def.to(@device)",
        "initialize": ["$monai.utils.set_determinism(seed=@seed)"],
    }


def _data(keys: list[str], cases: str) -> dict[str, Any]:
    return {
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": keys, "reader": "NibabelReader"},
                {"_target_": "EnsureChannelFirstd", "keys": keys},
                {"_target_": "ScaleIntensityd", "keys": "image"},
            ],
        },
        "dataset": {"_target_": "Dataset", "data": cases, "transform": None},
        "dataloader": {"_target_": "DataLoader", "dataset": None, "batch_size": 1, "num_workers": 0},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16]},
        "postprocessing": {"_target_": "Compose", "transforms": []},
    }


def _bound(prefix: str, data: dict[str, Any]) -> dict[str, Any]:
    data["dataset"]["transform"] = f"@{prefix}preprocessing"
    data["dataloader"]["dataset"] = f"@{prefix}dataset"
    return data


def _engine(target: str, prefix: str, loader: str) -> dict[str, Any]:
    return {
        "_target_": target,
        "device": "@device",
        loader: f"@{prefix}dataloader",
        "network": "@network",
        "inferer": f"@{prefix}inferer",
        "postprocessing": f"@{prefix}postprocessing",
    }


def _train() -> dict[str, Any]:
    train = _bound("train#", _data(["image", "label"], "@cases"))
    trainer = _engine("SupervisedTrainer", "train#", "train_data_loader")
    train["trainer"] = trainer | {"max_epochs": 1, "optimizer": "@optimizer", "loss_function": "@loss"}
    validate = _bound("validate#", _data(["image", "label"], "@cases"))
    validate["evaluator"] = _engine("SupervisedEvaluator", "validate#", "val_data_loader")
    return _common("training") | {
        "loss": {"_target_": "DiceCELoss", "to_onehot_y": True, "softmax": True},
        "optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()", "lr": 0.001},
        "train": train,
        "validate": validate,
        "run": ["$@train#trainer.run()"],
    }


def _inference() -> dict[str, Any]:
    inference = _bound("", _data(["image"], "@cases"))
    inference["postprocessing"]["transforms"] = [
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "output_postfix": "pred"},
    ]
    loader = {
        "_target_": "CheckpointLoader",
        "load_path": "$@ckpt_dir + '/model.pt'",
        "load_dict": {"model": "@network"},
    }
    evaluator = _engine("SupervisedEvaluator", "", "val_data_loader") | {"val_handlers": "@handlers"}
    return _common("test") | inference | {"handlers": [loader], "evaluator": evaluator, "run": ["$@evaluator.run()"]}


def _schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["version", "task"],
    }
