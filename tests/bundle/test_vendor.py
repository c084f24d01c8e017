"""A copy of a bundle: what belongs to it goes along, what runs left behind does not."""

from pathlib import Path

from samples.tiny_bundle import write_tiny_bundle

from fedbundle.bundle.layout import Bundle, bundle_files
from fedbundle.bundle.vendor import copy_bundle, fedblocks_files

RESULTS = {"models/model.pt", "models/model.ts", "provenance/ledger.json", "docs/results.md", "digests.json"}
LEFTOVERS = {
    "eval/case1/case1_pred.nii.gz",
    "models/checkpoint_epoch=3.pt",
    "models/old/model.pt",
    "dataset/images/case1.nii.gz",
    "train.log",
    ".git/config",
}


def _write(root: Path, names: set[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_a_copy_holds_the_bundle_and_no_outputs_of_runs(tmp_path: Path) -> None:
    source, copy = write_tiny_bundle(tmp_path / "a"), tmp_path / "b" / "tiny_bundle"
    recipe = set(bundle_files(source))
    _write(source, RESULTS | LEFTOVERS)
    copy_bundle(source, copy)
    assert set(bundle_files(copy)) == recipe | RESULTS | set(fedblocks_files())
    assert Bundle.open(copy).version == "0.1.0"


def test_a_copy_without_results_is_the_bare_recipe(tmp_path: Path) -> None:
    source, copy = write_tiny_bundle(tmp_path / "a"), tmp_path / "b" / "tiny_bundle"
    recipe = set(bundle_files(source))
    _write(source, RESULTS)
    copy_bundle(source, copy, results=False)
    assert set(bundle_files(copy)) == recipe | set(fedblocks_files())


def test_fedblocks_of_the_bundle_win_over_the_installed_ones(tmp_path: Path) -> None:
    source, copy = write_tiny_bundle(tmp_path / "a"), tmp_path / "b" / "tiny_bundle"
    _write(source, {"fedblocks/__init__.py"})
    copy_bundle(source, copy)
    assert [path for path in bundle_files(copy) if path.startswith("fedblocks/")] == ["fedblocks/__init__.py"]
    assert (copy / "fedblocks" / "__init__.py").read_text() == "x"


def test_installed_fedblocks_are_found_as_sources_only() -> None:
    files = fedblocks_files()
    assert "fedblocks/__init__.py" in files
    assert all(path.endswith(".py") and file.is_file() for path, file in files.items())
