"""The store: self-contained copies, whole or not at all."""

import json
from pathlib import Path

import pytest
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.bundle.archive import pack
from fedbundle.bundle.digest import recipe_digest
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import write_record
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.errors import BundleError, DigestError, InputError
from fedbundle.site.home import SiteHome
from fedbundle.site.store import install


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    return SiteHome.create(tmp_path / "home", "hospital-a")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "source")


def _exported(tiny: Path, folder: Path) -> Path:
    copy_bundle(tiny, folder / tiny.name)
    write_record(folder / tiny.name, tiny.name, "0.1.0")
    pack(folder / tiny.name, folder / "tiny_bundle-0.1.0.zip")
    return folder / "tiny_bundle-0.1.0.zip"


def test_the_installed_copy_stands_alone_and_has_the_same_digest(home: SiteHome, tiny: Path) -> None:
    assert install(home, tiny) == ("tiny_bundle", recipe_digest(tiny))
    installed = home.bundle_dir("tiny_bundle")
    assert Bundle.open(installed).version == "0.1.0"
    assert (installed / "fedblocks" / "__init__.py").is_file()
    assert home.installed() == ["tiny_bundle"]


def test_an_exported_zip_installs_like_its_folder(home: SiteHome, tiny: Path, tmp_path: Path) -> None:
    name, digest = install(home, _exported(tiny, tmp_path / "export"))
    assert (name, digest) == ("tiny_bundle", recipe_digest(tiny))
    assert [entry.name for entry in (home.path / "bundles").iterdir()] == ["tiny_bundle"]


def test_a_new_version_replaces_the_old_one_whole(home: SiteHome, tiny: Path) -> None:
    (tiny / "helper.py").write_text("ONE = 1\n")
    _, old = install(home, tiny)
    (tiny / "helper.py").unlink()
    _, new = install(home, tiny)
    assert new != old
    assert not (home.bundle_dir("tiny_bundle") / "helper.py").exists()


def test_a_broken_bundle_leaves_the_installed_one_alone(home: SiteHome, tiny: Path) -> None:
    _, before = install(home, tiny)
    (tiny / "configs" / "inference.json").unlink()
    with pytest.raises(BundleError, match=r"must hold configs/inference\.json"):
        install(home, tiny)
    assert recipe_digest(home.bundle_dir("tiny_bundle")) == before
    assert home.installed() == ["tiny_bundle"]


def test_an_exported_bundle_that_was_changed_is_refused(home: SiteHome, tiny: Path, tmp_path: Path) -> None:
    _exported(tiny, tmp_path / "export")
    folder = tmp_path / "export" / "tiny_bundle"
    (folder / "docs" / "README.md").write_text("better results\n")
    with pytest.raises(DigestError, match="release_digest of tiny_bundle must be"):
        install(home, folder)
    (folder / "digests.json").write_text(json.dumps({"recipe_digest": "sha256:0"}))
    with pytest.raises(DigestError, match="must hold its two digests"):
        install(home, folder)
    assert home.installed() == []


def test_what_is_no_bundle_is_refused_and_leaves_nothing(home: SiteHome, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder or a zip"):
        install(home, tmp_path / "nowhere")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(BundleError, match="whole zip"):
        install(home, tmp_path / "text.zip")
    assert list((home.path / "bundles").iterdir()) == []


def test_a_bundle_name_that_is_none_is_refused(home: SiteHome, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="bundle name must be"):
        install(home, write_tiny_bundle(tmp_path / "source", name="Tiny-1"))
