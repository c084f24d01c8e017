"""Digests: what changes them, what does not, and that vendoring is not a change."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.bundle.digest import recipe_digest, release_digest, short
from fedbundle.bundle.vendor import copy_bundle, fedblocks_files
from fedbundle.errors import BundleError


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path)


def test_the_recipe_digest_follows_its_description(tiny: Path) -> None:
    files = {path.relative_to(tiny).as_posix(): path for path in (tiny / "configs").iterdir()} | fedblocks_files()
    expected = hashlib.sha256()
    for name in sorted(files):
        content = files[name].read_bytes()
        expected.update(name.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
    assert recipe_digest(tiny) == f"sha256:{expected.hexdigest()}"
    assert short(recipe_digest(tiny)) == expected.hexdigest()[:12]


def test_vendoring_does_not_change_the_recipe_digest(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "tiny_bundle"
    copy_bundle(tiny, copy)
    assert (copy / "fedblocks" / "__init__.py").is_file()
    assert recipe_digest(copy) == recipe_digest(tiny)


@pytest.mark.parametrize("name", ["configs/train.json", "configs/extra.json", "helper.py", "fedblocks/__init__.py"])
def test_one_byte_of_the_recipe_changes_the_digest(tiny: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy" / "tiny_bundle"
    copy_bundle(tiny, copy)
    before = recipe_digest(copy)
    with (copy / name).open("ab") as file:
        file.write(b" ")
    assert recipe_digest(copy) != before


@pytest.mark.parametrize("name", ["models/model.pt", "docs/results.md", "provenance/ledger.json", "LICENSE"])
def test_results_change_the_release_and_not_the_recipe(tiny: Path, name: str) -> None:
    before = recipe_digest(tiny), release_digest(tiny)
    (tiny / name).parent.mkdir(exist_ok=True)
    (tiny / name).write_bytes(b"changed")
    assert recipe_digest(tiny) == before[0]
    assert release_digest(tiny) != before[1]


def test_the_record_of_digests_is_not_digested(tiny: Path) -> None:
    before = release_digest(tiny)
    (tiny / "digests.json").write_text("{}")
    assert release_digest(tiny) == before


def test_moving_bytes_between_name_and_content_changes_the_digest(tiny: Path) -> None:
    (tiny / "a.py").write_bytes(b"b")
    before = recipe_digest(tiny)
    (tiny / "a.py").unlink()
    (tiny / "b.py").write_bytes(b"")
    assert recipe_digest(tiny) != before


def test_a_link_is_never_digested(tiny: Path) -> None:
    (tiny / "evil.py").symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match=r"link or device evil\.py"):
        recipe_digest(tiny)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_bundle_error(tiny: Path) -> None:
    (tiny / "configs" / "train.json").chmod(0)
    with pytest.raises(BundleError, match="must be readable"):
        recipe_digest(tiny)


def test_digests_import_neither_fedblocks_nor_torch(tiny: Path) -> None:
    program = (
        "import sys, pathlib; from fedbundle.bundle.digest import recipe_digest; "
        "print(recipe_digest(pathlib.Path(sys.argv[1]))); assert not {'torch', 'monai', 'fedblocks'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, tiny], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == recipe_digest(tiny)
