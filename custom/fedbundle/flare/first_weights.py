"""The weights with which a run begins."""

from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser

from fedbundle.bundle.declared import PHANTOM, size_configs


def first_network(root: Path, seed: int = 0, size: str = PHANTOM) -> torch.nn.Module:
    """`network_def` of the bundle in `root`, its weights drawn from `seed`."""
    parser = ConfigParser()
    parser.read_config([str(root / file) for file in size_configs(root, "train.json", size)])
    parser["bundle_root"] = str(root)
    torch.manual_seed(seed)
    network: torch.nn.Module = parser.get_parsed_content("network_def")
    return network


def first_weights(root: Path, seed: int, size: str = PHANTOM) -> dict[str, np.ndarray]:
    """Its state dict."""
    return {name: value.numpy() for name, value in first_network(root, seed, size).state_dict().items()}
