"""A bundle's workflow as MONAI opens it, on the CPU, writing into one folder; and its configs as they are told."""

import json
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from fedbundle.bundle.layout import Bundle


def config(bundle: Bundle, name: str) -> dict[str, Any]:
    """Content of `configs/<name>.json`."""
    content: dict[str, Any] = json.loads((bundle.root / "configs" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def workflow(bundle: Bundle, kind: str, dataset: Path, out: Path, *configs: str, **changes: Any) -> ConfigWorkflow:
    """The initialised workflow; `kind` is train or infer, later configs lie over earlier ones."""
    opened = ConfigWorkflow(
        config_file=[str(bundle.root / "configs" / name) for name in configs],
        meta_file=str(bundle.root / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(bundle.root),
        dataset_dir=str(dataset),
        ckpt_dir=str(out),
        output_dir=str(out),
        device="$torch.device('cpu')",
        **changes,
    )
    opened.initialize()
    assert opened.check_properties() in (None, [])
    return opened
