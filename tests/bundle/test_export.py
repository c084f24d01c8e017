"""Export: the zip holds what was trained, and says so only after it was reloaded."""

import json
import os
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from packaging.requirements import Requirement
from samples.small_ledger import LEDGER
from samples.tiny_bundle import write_tiny_bundle, write_tiny_weights

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.digest import recipe_digest, release_digest
from fedbundle.bundle.export import Exported, export_bundle
from fedbundle.bundle.layout import Bundle
from fedbundle.errors import ExportError, InputError, OutputError

NOISY = """
import torch
class Noisy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
    def forward(self, image):
        return self.scale * torch.rand_like(image)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Exported, Path]:
    """The source bundle, its weights, the export, and the unpacked zip."""
    folder = tmp_path_factory.mktemp("export")
    tiny, weights = write_tiny_bundle(folder), write_tiny_weights(folder / "w.pt")
    (tiny / "models").mkdir()
    (tiny / "models" / "model.pt").write_bytes(b"of another training")
    done = export_bundle(tiny, weights, folder / "out", {"lineage": {"parent": None}, "ledger": LEDGER})
    return tiny, weights, done, unpack(done.path, folder / "again")


def test_the_zip_is_named_and_digested(exported: tuple[Path, Path, Exported, Path]) -> None:
    tiny, _, done, root = exported
    assert done.path.name == "tiny_bundle-0.1.0.zip"
    assert done.recipe_digest == recipe_digest(tiny) == recipe_digest(root)
    assert done.release_digest == release_digest(root)
    assert json.loads((root / "digests.json").read_text())["release_digest"] == done.release_digest
    assert json.dumps(done.data())


def test_the_reloaded_models_are_the_trained_one(exported: tuple[Path, Path, Exported, Path]) -> None:
    _, weights, done, root = exported
    trained = torch.load(weights, weights_only=True)
    stored = torch.load(root / "models" / "model.pt", weights_only=True)
    assert all(torch.equal(stored[name], value) for name, value in trained.items())
    assert (root / "models" / "model.ts").stat().st_size > 0
    assert done.largest_difference < 1e-4


def test_recipe_and_provenance_are_in_the_zip(exported: tuple[Path, Path, Exported, Path]) -> None:
    tiny, _, _, root = exported
    assert (root / "configs" / "metadata.json").read_bytes() == (tiny / "configs" / "metadata.json").read_bytes()
    assert json.loads((root / "provenance" / "lineage.json").read_text()) == {"parent": None}
    assert json.loads((root / "provenance" / "ledger.json").read_text()) == LEDGER
    assert "| hospital-a | 1 |" in (root / "docs" / "results.md").read_text()
    assert (root / "fedblocks" / "__init__.py").is_file()
    assert Bundle.open(root).name == "tiny_bundle"


def test_weights_that_do_not_fit_leave_nothing(tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(ExportError, match="weights must fit network_def"):
        export_bundle(write_tiny_bundle(tmp_path), tmp_path / "w.pt", tmp_path / "out", {})
    assert not any((tmp_path / "out").iterdir())


def test_a_network_that_answers_differently_is_not_exported(tmp_path: Path) -> None:
    tiny = write_tiny_bundle(tmp_path)
    (tiny / "tiny_noise.py").write_text(NOISY)
    for config in ("train", "inference"):
        path = tiny / "configs" / f"{config}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"network_def": {"_target_": "tiny_noise.Noisy"}}))
    torch.save({"scale": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(ExportError, match=r"outputs of the reloaded model\.pt must differ by less than 0\.0001"):
        export_bundle(tiny, tmp_path / "w.pt", tmp_path / "out" / "noise.zip", {})
    assert not any((tmp_path / "out").iterdir())


def test_inputs_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bundle must be a folder"):
        export_bundle(tmp_path / "nowhere", tmp_path / "w.pt", tmp_path / "out", {})
    with pytest.raises(InputError, match="weights must be a file"):
        export_bundle(write_tiny_bundle(tmp_path), tmp_path / "w.pt", tmp_path / "out", {})
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="must be writable"):
        export_bundle(tmp_path / "tiny_bundle", tmp_path / "file", tmp_path / "file", {})


def _named_packages(root: Path) -> set[str]:
    """The distributions that the bundle's metadata names, with all that they require."""
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    wanted, found = ["monai", "torch", "numpy", *metadata["required_packages_version"]], set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            needs = map(Requirement, distribution(name).requires or [])
            wanted += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


def _clinic(folder: Path, packages: set[str]) -> Path:
    """A virtual environment with these packages and no fedbundle; returns its Python."""
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    for package in packages:
        files = distribution(package).files or []
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution(package).locate_file(top))
    return folder / "venv" / "bin" / "python"


@pytest.mark.slow
def test_the_bundle_runs_where_fedbundle_is_not_installed(
    exported: tuple[Path, Path, Exported, Path], tmp_path: Path
) -> None:
    root = unpack(exported[2].path, tmp_path)
    python = _clinic(tmp_path, _named_packages(root))
    (root / "dataset").mkdir()
    nibabel.save(nibabel.Nifti1Image(np.ones((16, 16, 16), np.float32), np.eye(4)), root / "dataset" / "a.nii.gz")
    (root / "dataset" / "datalist.json").write_text(json.dumps({"test": [{"image": "a.nii.gz"}]}))
    meta, config = ("--meta_file", "configs/metadata.json"), ("--config_file", "configs/inference.json")

    def bundle(*arguments: str) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(
            [python, "-m", "monai.bundle", *arguments], cwd=root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    absent = subprocess.run([python, "-c", "import fedbundle"], cwd=root, capture_output=True, text=True)
    assert "No module named 'fedbundle'" in absent.stderr
    assert sys.executable != str(python)
    bundle("verify_metadata", *meta, "--filepath", "eval/schema.json")
    bundle("verify_net_in_out", "network_def", *meta, *config)
    bundle("ckpt_export", "network_def", "--filepath", "again.ts", "--ckpt_file", "models/model.pt", *meta, *config)
    bundle("run", *config)
    assert (root / "again.ts").is_file()
    assert list(root.glob("eval/**/*_pred.nii.gz"))
