"""Every bundle, exported, runs with plain MONAI where fedbundle is not installed, only what its metadata names."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.export import export_bundle
from fedbundle.check.rules.infers import results
from fedbundle.check.subject import TRAIN, Subject
from fedbundle.check.synthetic import write_dataset

BUNDLES = sorted(folder.parent for folder in (Path(__file__).parents[2] / "bundles").glob("*/configs"))
LATER = [pytest.param(bundle, marks=pytest.mark.slow, id=bundle.name) for bundle in BUNDLES[1:]]
ELSEWHERE = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
CONFIG = ("--meta_file", "configs/metadata.json", "--config_file", "configs/inference.json")
COMMANDS = {
    "verify_metadata": ["verify_metadata", *CONFIG[:2], "--filepath", "eval/schema.json"],
    "verify_net_in_out": ["verify_net_in_out", "network_def", *CONFIG],
    "ckpt_export": [
        "ckpt_export",
        "network_def",
        *("--filepath", "{out}/again.ts", "--ckpt_file", "models/model.pt", *CONFIG),
    ],
    "inference": ["run", *CONFIG[2:], "--dataset_dir", "{data}", "--output_dir", "{out}", "--device", "cpu"],
}


def untrained(bundle: Path, path: Path) -> Path:
    """First weights of the bundle's network."""
    parser = ConfigParser()
    parser.read_config(bundle / "configs" / "train.json")
    torch.save(parser.get_parsed_content("network_def").state_dict(), path)
    return path


@pytest.fixture(scope="module", params=[*BUNDLES[:1], *LATER], ids=lambda bundle: bundle.name)
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Root of the unpacked export, data, and a folder for results."""
    folder = tmp_path_factory.mktemp(request.param.name)
    weights = untrained(request.param, folder / "weights.pt")
    exported = export_bundle(request.param, weights, folder / "zip", {})
    (folder / "data").mkdir()
    (folder / "out").mkdir()
    source = Subject(request.param, folder)
    write_dataset(source.ingest_rules, source.json(TRAIN), folder / "data")
    return {"root": unpack(exported.path, folder / "clinic"), "data": folder / "data", "out": folder / "out"}


def test_the_clinic_has_never_heard_of_us(clinic_python: Path) -> None:
    code = "import importlib.util as u; print([n for n in ('fedbundle', 'fedblocks', 'nvflare') if u.find_spec(n)])"
    done = subprocess.run([clinic_python, "-c", code], env=ELSEWHERE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def running(clinic_python: Path, places: dict[str, Path]) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """All commands, started together: each is mostly the import of MONAI."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                subprocess.Popen(
                    [clinic_python, "-m", "monai.bundle", *(word.format(**places) for word in words)],
                    cwd=places["root"],
                    env=ELSEWHERE,
                    stdout=stack.enter_context((places["out"] / f"{name}.log").open("wb")),
                    stderr=subprocess.STDOUT,
                )
            )
            for name, words in COMMANDS.items()
        }


@pytest.mark.parametrize("command", COMMANDS)
def test_it_runs_standalone(
    command: str, running: dict[str, "subprocess.Popen[bytes]"], places: dict[str, Path]
) -> None:
    running[command].wait(timeout=240)
    assert running[command].returncode == 0, (places["out"] / f"{command}.log").read_text()[-4000:]


def test_inference_answers_on_the_grid_of_its_input(
    running: dict[str, "subprocess.Popen[bytes]"], places: dict[str, Path]
) -> None:
    running["inference"].wait(timeout=240)
    assert list(results(Subject(places["root"], places["out"]), places["data"], places["out"])) == []
