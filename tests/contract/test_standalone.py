"""Every bundle, exported, runs with plain MONAI where fedbundle is not installed, only what its metadata names."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.export import export_bundle
from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.gate.roles import choose
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan
from fedbundle.phantom.write import write_phantoms

BUNDLES = sorted(folder.parent for folder in (Path(__file__).parents[2] / "bundles").glob("*/configs"))
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


def phantom_images(bundle: Bundle, folder: Path) -> Path:
    """One phantom study as NIfTI with a datalist, as inference.json takes it."""
    write_phantoms(bundle.name, folder / "phantom", 1, "site-a", 1)
    chosen = choose(scan(folder / "phantom" / "dicom"), bundle.ingest_rules).require()
    images = {role: f"{role}.nii.gz" for role in chosen}
    for role, series in chosen.items():
        Volume.of(series).to_nifti(folder / images[role])
    (folder / "datalist.json").write_text(json.dumps({"test": [images]}))
    return folder


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda bundle: bundle.name)
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Root of the unpacked export, data, and a folder for results."""
    folder = tmp_path_factory.mktemp(request.param.name)
    weights = untrained(request.param, folder / "weights.pt")
    exported = export_bundle(request.param, weights, folder / "zip", {})
    (folder / "data").mkdir()
    (folder / "out").mkdir()
    data = phantom_images(Bundle.open(request.param), folder / "data")
    return {"root": unpack(exported.path, folder / "clinic"), "data": data, "out": folder / "out"}


def test_the_clinic_has_never_heard_of_us(clinic_python: Path) -> None:
    code = "import importlib.util as u; print([n for n in ('fedbundle', 'fedblocks', 'nvflare') if u.find_spec(n)])"
    done = subprocess.run([clinic_python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def running(clinic_python: Path, places: dict[str, Path]) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """All commands, started together: each is mostly the import of MONAI."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                subprocess.Popen(
                    [clinic_python, "-m", "monai.bundle", *(word.format(**places) for word in words)],
                    cwd=places["root"],
                    env=environment,
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
    image, result = (nibabel.load(next(places[key].glob("*.nii.gz"))) for key in ("data", "out"))
    assert result.shape == image.shape
    np.testing.assert_allclose(result.affine, image.affine, atol=1e-3)
