"""What a steward is told of stock bundles by doctor, ingest and predict."""

import json
from pathlib import Path

import pytest
from samples.stock_site import RING, SPHERE, STOCK, equip, write_rings, write_spheres

from fedbundle.clinic.opened import opened
from fedbundle.errors import BundleError, PredictionError
from fedbundle.site.doctor import examine_site
from fedbundle.site.finding import Finding
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import open_bundle, rules_of


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    home = SiteHome.create(tmp_path / "home", "hospital-a")
    equip(home, RING, write_rings(tmp_path / "rings", 2))
    return equip(home, SPHERE, write_spheres(tmp_path / "spheres", 1))


def dataset(home: SiteHome, bundle: str) -> Finding:
    (found,) = (finding for finding in examine_site(SiteHome.open(home.path)) if finding.subject == f"dataset {bundle}")
    return found


def test_doctor_counts_the_cases_of_a_binding(home: SiteHome) -> None:
    told = {bundle: dataset(home, bundle) for bundle in (SPHERE, RING)}
    assert told[SPHERE].message.startswith("8 training, 5 validation, 6 test; bound by site.toml"), told
    assert told[RING].message.startswith("24 training, 12 validation, 12 test; bound by site.toml")


def test_doctor_says_what_is_wrong_with_a_binding(home: SiteHome) -> None:
    path = Path(home.settings["bindings"][SPHERE]["dataset_dir"], "dataset_0.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test": []}))
    assert "section test of the datalist" in dataset(home, SPHERE).message
    settings = home.path / "site.toml"
    settings.write_text(settings.read_text().partition("\n[bindings.sphere")[0])
    assert dataset(home, SPHERE).message.startswith(f"none bound here; [bindings.{SPHERE}] of site.toml")


def test_a_binding_of_a_bundle_that_is_not_installed_is_told(home: SiteHome) -> None:
    with (home.path / "site.toml").open("a") as settings:
        settings.write('[bindings.sphere]\ndataset_dir = "d"\ndatalist = "l.json"\n')
    assert SiteHome.open(home.path).misnamed() == ["bindings.sphere"]


def test_its_images_are_not_ingested(home: SiteHome) -> None:
    with pytest.raises(BundleError, match=r"prepare its dataset yourself and bind it in site\.toml"):
        rules_of(open_bundle(home, SPHERE))


def test_its_results_are_not_written_as_dicom(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match=r"got a stock bundle; run it with python -m monai\.bundle run"):
        opened(STOCK / SPHERE, tmp_path)
