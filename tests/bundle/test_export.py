"""Export: the zip holds what was trained, and says so only after it was reloaded."""

import json
from pathlib import Path

import pytest
import torch
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


@pytest.mark.slow
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
