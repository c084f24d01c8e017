"""A real bundle with weights that were never trained, to run it as it is."""

from pathlib import Path

from fedbundle.bundle.vendor import copy_bundle


def write_untrained(bundle: Path, folder: Path) -> Path:
    """Copy a bundle with `fedblocks` to `folder/<name>`, give it random weights, and return its path."""
    import torch
    from monai.bundle import ConfigParser

    root = folder / bundle.name
    copy_bundle(bundle, root)
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    (root / "models").mkdir(exist_ok=True)
    torch.save(network.state_dict(), root / "models" / "model.pt")
    return root
