"""Stock bundles, which know nothing of fedbundle: a hospital's binding puts its data in, and nothing is written."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from samples.stock_site import RING, SPHERE, bind, write_rings, write_spheres, write_stock_site

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import BundleError, DatasetError, NotApprovedError, SiteError
from fedbundle.files import folder_sha256
from fedbundle.flare.fedavg import average
from fedbundle.flare.shared import SHARED
from fedbundle.flare.trainer import Trainer
from fedbundle.site.approvals import approve, require
from fedbundle.site.home import SiteHome

KEYS = {SPHERE: "val_mean_dice", RING: "val_accu"}


@pytest.fixture(params=[pytest.param(SPHERE, marks=pytest.mark.slow), RING])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    return made(request.param, tmp_path, monkeypatch)


@pytest.fixture
def sphere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    return made(SPHERE, tmp_path, monkeypatch)


def made(bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    """A hospital; the process works as its trainer does."""
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    home = write_stock_site(tmp_path / "sites", "a", bundle, seed=1)
    monkeypatch.syspath_prepend(str(home.bundle_dir(bundle)))
    for name in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
        monkeypatch.delitem(sys.modules, name)
    return home


def trainer(home: SiteHome, local_epochs: int = 2) -> Trainer:
    (name,) = home.installed()
    digest = recipe_digest(home.bundle_dir(name))
    return Trainer.of_site(
        SiteHome.open(home.path), name, digest, "job-1", local_epochs, "cpu", 0, batch_statistics=SHARED
    )


def edit_datalist(home: SiteHome, change: dict[str, object]) -> None:
    table = home.settings["bindings"][home.installed()[0]]
    path = Path(table["dataset_dir"], table["datalist"])
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def edit_settings(home: SiteHome, old: str, new: str) -> None:
    path = home.path / "site.toml"
    before, found, after = path.read_text().rpartition(old)  # the template has an example of its own
    assert found
    path.write_text(before + new + after)


def test_rounds_learn_and_nothing_is_written_into_the_installed_bundle(home: SiteHome) -> None:
    (name,) = home.installed()
    before = folder_sha256(home.bundle_dir(name))
    one = trainer(home, local_epochs=4)
    weights = one.weights()
    first = one.evaluate(weights, "test").metrics[KEYS[name]]["value"]
    for number in range(3):
        answer = one.train(weights, number)
        weights = average({"a": (answer.params, answer.weight)})
    last = one.evaluate(weights, "test", 3).metrics
    assert last[KEYS[name]]["value"] > first + 0.2, (first, last)
    assert folder_sha256(home.bundle_dir(name)) == before
    assert answer.cases["used"] == answer.weight == {SPHERE: 8, RING: 24}[name]
    assert list(one.scratch.rglob("model.pt"))


def test_a_round_depends_on_weights_seed_and_number_alone(home: SiteHome) -> None:
    one, other = trainer(home), trainer(home)
    start = one.weights()
    one.train(start, 0)
    first, again = one.train(start, 3).params, other.train(start, 3).params
    assert all(np.array_equal(first[name], again[name]) for name in start)
    assert not any(name.endswith("num_batches_tracked") for name in start)
    assert any(name.endswith("running_mean") for name in start)


def test_a_metric_without_rows_is_told_roughly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = made(RING, tmp_path, monkeypatch)
    one = trainer(home)
    told = one.train(one.weights()).metrics["val_accu"]
    assert told.keys() == {"value", "n"}
    assert told["n"] == 12
    assert told["value"] == round(told["value"], 2)
    edit_settings(home, "min_cell = 5", "min_cell = 7")  # the 12 cases are of 6 patients
    assert trainer(home).train(one.weights()).metrics["val_accu"]["n"] == "<7"
    assert trainer(home).evaluate(one.weights(), "test").metrics["val_accu"] == {"value": None, "n": "<7"}


def test_a_stock_bundle_must_be_bound(sphere: SiteHome) -> None:
    path = sphere.path / "site.toml"
    path.write_text(path.read_text().partition("\n[bindings")[0])
    with pytest.raises(DatasetError, match=rf"write \[bindings.{SPHERE}\] with dataset_dir and datalist in site.toml"):
        trainer(sphere)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('training = "train#data"', "must have the id train#data for its training cases, got none; write training ="),
        ('validation = "validate#dataset#cases"', "id validate#dataset#cases for its validation cases, got none"),
        ("values = { val_every = 3 }", "must have the id val_every, got none; mend or remove it under"),
    ],
)
def test_an_id_that_is_not_there_is_refused_by_approve_and_by_the_run(
    line: str, complaint: str, sphere: SiteHome
) -> None:
    edit_settings(sphere, 'datalist = "dataset_0.json"', f'datalist = "dataset_0.json"\n{line}')
    with pytest.raises(BundleError, match=complaint):
        approve(SiteHome.open(sphere.path), SPHERE, "a test")
    with pytest.raises(BundleError, match=complaint):
        trainer(sphere)


@pytest.mark.parametrize("key", ["network_def", "validate"])
def test_a_bundle_that_lacks_what_a_federation_needs_is_not_approved(key: str, sphere: SiteHome) -> None:
    config = sphere.bundle_dir(SPHERE) / "configs" / "train.json"
    train = json.loads(config.read_text())
    del train[key]
    config.write_text(json.dumps(train))
    with pytest.raises(BundleError, match=rf"must have the id {key}.*, got none; a bundle without it cannot be"):
        approve(sphere, SPHERE, "a test")


def test_a_bundle_that_evaluates_a_network_of_its_own_is_refused(sphere: SiteHome) -> None:
    config = sphere.bundle_dir(SPHERE) / "configs" / "train.json"
    train = json.loads(config.read_text())
    train["validate"]["evaluator"]["network"] = "%network_def"
    config.write_text(json.dumps(train))
    with pytest.raises(BundleError, match=r"must be the network of train#trainer, got another object"):
        trainer(sphere)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('dataset_dir = "', 'dataset_dir = "/nowhere', "must be a folder that is there, got none; mount it or mend"),
        ("dataset_0.json", "dataset_1.json", "must be a file below dataset_dir, got No such file"),
        ("dataset_0.json", "imagesTr/sphere_test_0.nii.gz", "must be readable JSON"),
    ],
)
def test_a_binding_that_leads_nowhere_is_refused(old: str, new: str, complaint: str, sphere: SiteHome) -> None:
    edit_settings(sphere, old, new)
    with pytest.raises(DatasetError, match=complaint):
        trainer(sphere)


@pytest.mark.parametrize("items", [[], None, {}])
@pytest.mark.parametrize("section", ["training", "validation", "test"])
def test_an_empty_section_is_refused(section: str, items: object, sphere: SiteHome) -> None:
    edit_datalist(sphere, {section: items})
    with pytest.raises(DatasetError, match=f"section {section} of the datalist .* must hold at least one case"):
        trainer(sphere)


def test_images_without_labels_are_refused(sphere: SiteHome) -> None:
    edit_datalist(sphere, {"test": ["imagesTs/a.nii.gz"]})
    with pytest.raises(DatasetError, match="must be objects such as image and label"):
        trainer(sphere)


def test_an_image_in_two_sections_is_refused(sphere: SiteHome) -> None:
    table = sphere.settings["bindings"][SPHERE]
    listed = json.loads(Path(table["dataset_dir"], table["datalist"]).read_text())
    edit_datalist(sphere, {"test": listed["test"] + listed["training"][:1]})
    with pytest.raises(DatasetError, match="in one section of the datalist, got <5 in two"):
        trainer(sphere)


def test_a_missing_file_costs_its_case_within_the_budget(sphere: SiteHome) -> None:
    folder = Path(sphere.settings["bindings"][SPHERE]["dataset_dir"])
    (folder / "labelsTr" / "sphere_training_0.nii.gz").unlink()
    with pytest.raises(DatasetError, match=r"at most 5% of the cases, .* got <5 that lack one"):
        trainer(sphere)
    edit_settings(sphere, "max_dropped = 0.05", "max_dropped = 0.1")
    one = trainer(sphere)
    assert one.train(one.weights()).cases == {"offered": "<12", "used": 7, "dropped": {"FILE_MISSING": "<5"}}


def test_python_of_a_bundle_needs_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = made(RING, tmp_path, monkeypatch)
    digest = recipe_digest(home.bundle_dir(RING))
    assert require(home, RING, digest) == home.bundle_dir(RING)
    with pytest.raises(NotApprovedError, match=r"scripts/network.py, .*run fedbundle approve .* --allow-python"):
        approve(home, RING, "a test")
    sphere = write_stock_site(tmp_path / "sites", "b", SPHERE, seed=2)
    (sphere.bundle_dir(SPHERE) / "more.py").write_text("ONE = 1\n")
    monkeypatch.setattr("fedbundle.site.approvals.own_python", lambda _: [])
    approve(sphere, SPHERE, "a test")  # as a version that did not ask for leave has noted it
    monkeypatch.undo()
    with pytest.raises(NotApprovedError, match=r"must have leave at b to run the Python that it brings, more.py"):
        require(sphere, SPHERE, recipe_digest(sphere.bundle_dir(SPHERE)))


@pytest.mark.parametrize(
    "line",
    [
        'patient = ""',
        'training = "$open(1)"',
        "sections = { train = 1 }",
        'values = { val_interval = "$1" }',
        'values = { val_interval = "@device" }',
        "datalists = 1",
    ],
)
def test_settings_are_checked(line: str, sphere: SiteHome) -> None:
    edit_settings(sphere, 'datalist = "dataset_0.json"', f'datalist = "dataset_0.json"\n{line}')
    with pytest.raises(SiteError, match=rf"bindings.{SPHERE}"):
        SiteHome.open(sphere.path)


def test_a_binding_is_for_stock_bundles(tmp_path: Path) -> None:
    from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site

    home = write_ball_site(tmp_path, "a", write_ball_bundle(tmp_path), seed=1)
    with (home.path / "site.toml").open("a") as settings:
        settings.write(f'[bindings.{BUNDLE}]\ndataset_dir = "d"\ndatalist = "l.json"\n')
    with pytest.raises(SiteError, match="must be of bundles without rules for DICOM"):
        approve(SiteHome.open(home.path), BUNDLE, "a test")


def test_two_bundles_are_bound_in_one_home(tmp_path: Path) -> None:
    home = SiteHome.create(tmp_path / "a", "a")
    bind(home, SPHERE, write_spheres(tmp_path / "s", 1))
    bind(home, RING, write_rings(tmp_path / "r", 1))
    assert set(SiteHome.open(home.path).settings["bindings"]) == {SPHERE, RING}
