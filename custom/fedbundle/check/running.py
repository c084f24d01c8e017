"""Run a bundle's configs on synthetic data, and say by file and key what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from fedbundle.bundle.declared import FULL
from fedbundle.check.finding import BrokenError, NotTriedError
from fedbundle.check.subject import METADATA, TRAIN, Subject
from fedbundle.check.synthetic import write_dataset
from fedbundle.check.walk import has

CPU = "$torch.device('cpu')"


def workflow(bundle: Subject, config: str, kind: str, device: str | None = CPU) -> ConfigWorkflow:
    """The workflow of one config over synthetic data, initialized; what it writes goes to the scratch folder.

    Raises:
        BrokenError: it cannot be built.
        NotTriedError: files are missing or do not merge.
    """
    files = bundle.files(config)
    merged = bundle.parser(*files).get()
    changes: dict[str, Any] = {
        "bundle_root": ".",
        "dataset_dir": str(dataset(bundle)),
        "ckpt_dir": str(checkpoints(bundle)),
        "output_dir": str(outputs(bundle, config)),
        "train#trainer#max_epochs": 1,
    }
    if device:
        changes["device"] = device
    if bundle.size == FULL:
        changes["batch_size"] = 1
    with telling(config, "initialize"):
        opened = ConfigWorkflow(
            config_file=[str(bundle.root / file) for file in files],
            meta_file=str(bundle.root / METADATA),
            logging_file=False,
            workflow_type=kind,
            **{key: value for key, value in changes.items() if has(merged, key)},
        )
        opened.initialize()
    return opened


def dataset(bundle: Subject) -> Path:
    """Folder of the synthetic dataset, made when it is first asked for."""
    folder = bundle.scratch / f"dataset_{bundle.size}"
    if not folder.is_dir():
        folder.mkdir()
        config = bundle.parser(*bundle.files(TRAIN)).get()
        write_dataset(bundle.ingest_rules, config, folder)
    return folder


def checkpoints(bundle: Subject) -> Path:
    """Folder where weights are written and read."""
    return _made(bundle.scratch / f"checkpoints_{bundle.size}")


def outputs(bundle: Subject, config: str) -> Path:
    """Folder where one config writes its results."""
    return _made(bundle.scratch / f"outputs_{bundle.size}_{Path(config).stem}")


def network(bundle: Subject, config: str) -> torch.nn.Module:
    """The network that `network_def` of a config defines, on the CPU, for evaluation, always with the same weights.

    Raises:
        BrokenError: it cannot be built.
    """
    parser = bundle.parser(*bundle.files(config))
    with telling(config, "network_def"):
        torch.manual_seed(0)
        made = parser.get_parsed_content("network_def")
    if not isinstance(made, torch.nn.Module):
        raise BrokenError(config, "network_def", f"must be a network, got {type(made).__name__}; mend it")
    return made.eval()


def have_weights(bundle: Subject) -> None:
    """See that there is a `model.pt` to load: what training left, or first weights."""
    path = checkpoints(bundle) / "model.pt"
    if not path.is_file():
        torch.save(network(bundle, TRAIN).state_dict(), path)


@contextmanager
def telling(file: str, key: str) -> Iterator[None]:
    """Turn whatever the bundle's code raises into a broken rule at this place."""
    try:
        yield
    except (BrokenError, NotTriedError):
        raise
    except Exception as error:  # code of a bundle raises what it likes
        raise BrokenError(file, key, f"must run, got {_deepest(error)}") from error


def _deepest(error: BaseException) -> str:
    """The first line of the error where it began; those above only say through which objects it came."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
