"""Layout of a bundle: what must be there and what must not."""

import json
from pathlib import Path

import pytest
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.bundle.layout import REQUIRED_FILES, SPECIFIED_FILES, Bundle, bundle_files, checked_name
from fedbundle.errors import BundleError, InputError


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path)


def test_a_bundle_tells_its_name_version_and_rules(tiny: Path) -> None:
    bundle = Bundle.open(tiny)
    assert (bundle.name, bundle.version, bundle.root) == ("tiny_bundle", "0.1.0", tiny.resolve())
    assert bundle.metadata["task"] == "two classes"
    assert set(bundle.ingest_rules["inputs"]) == {"image"}


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a folder"):
        Bundle.open(tmp_path / "nowhere")


@pytest.mark.parametrize("needed", [file for file in REQUIRED_FILES if file != "configs/ingest.json"])
def test_each_required_file_is_missed(tiny: Path, needed: str) -> None:
    (tiny / needed).unlink()
    with pytest.raises(BundleError, match=f"must hold {needed}"):
        Bundle.open(tiny)


def test_without_rules_for_dicom_it_is_a_stock_bundle(tiny: Path) -> None:
    """It needs what MONAI's specification asks for, and a training."""
    assert not Bundle.open(tiny).stock
    (tiny / "configs" / "ingest.json").unlink()
    (tiny / "eval" / "schema.json").unlink()
    bundle = Bundle.open(tiny)
    assert bundle.stock
    (tiny / "configs" / "dicom_out.json").write_text("{}")
    with pytest.raises(BundleError, match=r"must hold configs/ingest\.json"):
        Bundle.open(tiny)


@pytest.mark.parametrize("needed", SPECIFIED_FILES)
def test_each_file_of_a_stock_bundle_is_missed(tiny: Path, needed: str) -> None:
    (tiny / "configs" / "ingest.json").unlink()
    (tiny / needed).unlink()
    with pytest.raises(BundleError, match=f"must hold {needed}"):
        Bundle.open(tiny)


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("version", None, "must be like 0.1.0"),
        ("version", "../../evil", "must be like 0.1.0"),
        ("version", "0.2.0", "must tell version 0.2.0"),
        ("changelog", "none", "must tell version"),
    ],
)
def test_metadata_is_checked(tiny: Path, key: str, value: object, complaint: str) -> None:
    path = tiny / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(BundleError, match=complaint):
        Bundle.open(tiny)


def test_a_missing_metadata_key_is_named(tiny: Path) -> None:
    path = tiny / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["numpy_version"]
    path.write_text(json.dumps(metadata))
    with pytest.raises(BundleError, match="'numpy_version'"):
        Bundle.open(tiny)


@pytest.mark.parametrize("text", ["{", "[1]", "\xff", "[" * 100_000, '{"inputs": {}}', '{"inputs": 1}'])
def test_unreadable_rules_are_a_bundle_error(tiny: Path, text: str) -> None:
    (tiny / "configs" / "ingest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"ingest\.json"):
        Bundle.open(tiny)


@pytest.mark.parametrize("name", ["Tiny", "9tiny", "tiny-1", "a" * 65, "", "..", "tiny/../x", "tiny\n"])
def test_names_that_must_not_become_paths_are_refused(name: str) -> None:
    with pytest.raises(BundleError, match="bundle name must be"):
        checked_name(name)


@pytest.mark.parametrize("name", ["helper.so", "helper.pyc", "configs/helper.PYD"])
def test_compiled_code_is_refused(tiny: Path, name: str) -> None:
    (tiny / name).write_bytes(b"\0")
    with pytest.raises(BundleError, match="readable code only"):
        Bundle.open(tiny)


def test_links_are_refused(tiny: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (tiny / "configs" / "more.json").symlink_to(outside)
    with pytest.raises(BundleError, match=r"got a link or device configs/more\.json"):
        Bundle.open(tiny)
    (tiny / "configs" / "more.json").unlink()
    (tiny / "data").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(BundleError, match=r"got a link or device data"):
        Bundle.open(tiny)


def test_files_come_sorted_and_without_python_caches(tiny: Path) -> None:
    (tiny / "__pycache__").mkdir()
    (tiny / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"\0")
    names = list(bundle_files(tiny))
    assert names == sorted(names)
    assert not any("__pycache__" in name for name in names)
