"""brain_mri_anomaly: what its configs say of one another, and its way from DICOM of healthy and ill to scores."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from samples.workflows import workflow

from fedbundle.bundle.declared import keep_local
from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.sources.folder import Folder
from fedbundle.files import read_json
from fedbundle.phantom.brain_mri_anomaly.patient import finding_of
from fedbundle.phantom.write import write_phantoms
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

PATIENTS, EPOCHS = 15, 6

pytestmark = pytest.mark.usefixtures("import_path")


@pytest.fixture(scope="module")
def bundle(repository: Path) -> Bundle:
    return Bundle.open(repository / "bundles" / "brain_mri_anomaly")


@pytest.fixture(scope="module")
def dataset(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients of one site as ingest brings them in; the healthy ones have no mask in the CSV."""
    folder = tmp_path_factory.mktemp("brains")
    write_phantoms(bundle.name, folder / "phantoms", PATIENTS, "site-b", 2)
    labels = folder / "phantoms" / "labels.csv"
    with labels.open(encoding="utf-8", newline="") as file:
        rows = [row | ({"mask": ""} if row["finding"] == "healthy" else {}) for row in csv.DictReader(file)]
    with labels.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    home = SiteHome.create(folder / "site", "hospital-b")
    report = ingest(home, str(bundle.root), Folder(folder / "phantoms" / "dicom"), labels, max_refused="0", page=False)
    return report.dataset


def test_what_stays_is_all_that_is_not_of_the_shape(bundle: Bundle) -> None:
    network = ConfigParser(config=json.loads((bundle.root / "configs" / "train.json").read_text()))
    names = network.get_parsed_content("network_def").state_dict()
    assert keep_local(bundle.root) == ("appearance.",)
    assert {name.split(".")[0] for name in names} == {"appearance", "shape"}


def test_training_and_inference_prepare_an_image_alike(bundle: Bundle) -> None:
    train, inference = (read_json(bundle.root / "configs" / f"{name}.json") for name in ("train", "inference"))
    assert train["train"]["deterministic"] == inference["preprocessing"]["transforms"]
    kept = ("_mm", "_voxels", "_rate", "_def", "residual", "inferer")
    for name in (name for name in train.keys() & inference.keys() if name.endswith(kept)):
        assert train[name] == inference[name]


def test_a_brain_off_the_centre_is_whole_and_its_mask_lies_on_it(bundle: Bundle, tmp_path: Path) -> None:
    head, mask = np.zeros((150, 170, 34), np.float32), np.zeros((150, 170, 34), np.uint8)
    head[4:74, 6:86, 2:22] = 100
    mask[20:32, 30:45, 8:12] = 1
    head[mask > 0] = 180
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    for name, values in (("image", head), ("label", mask)):
        nibabel.nifti1.save(nibabel.nifti1.Nifti1Image(values, affine), tmp_path / f"{name}.nii.gz")
    parser = ConfigParser(config=read_json(bundle.root / "configs" / "train.json"))
    image_steps, mask_steps = map(parser.get_parsed_content, ("train#deterministic", "validate#mask"))
    item = Compose([*image_steps, *mask_steps])({name: str(tmp_path / f"{name}.nii.gz") for name in ("image", "label")})
    image, label = item["image"], item["label"]
    assert image.shape == label.shape == (1, 56, 64, 24)
    assert float((image > 0).sum()) * 45 == pytest.approx((head > 0).sum() * 20, rel=0.05)
    assert float((label > 0).sum()) * 45 == pytest.approx((mask > 0).sum() * 20, rel=0.25)
    assert float(image[label > 0].median()) > 1.5 * float(image[(image > 0) & (label == 0)].median())


def test_nobody_with_a_finding_trains_or_validates(dataset: Path) -> None:
    listed = read_json(dataset / "datalist.json")
    findings = {
        section: [item["finding"] for item in listed[section]] for section in ("training", "validation", "test")
    }
    assert set(findings["training"] + findings["validation"]) == {0}
    ill = sum(finding_of(index) > 0 for index in range(1, PATIENTS + 1))
    assert len([finding for finding in findings["test"] if finding]) == ill
    assert [len(found) for found in findings.values()] == [6, 2, ill + 1]
    assert all("label" in item for section in findings for item in listed[section])


def test_heads_with_a_skull_are_refused_and_named_by_pseudonym(bundle: Bundle, tmp_path: Path) -> None:
    write_phantoms(bundle.name, tmp_path / "phantoms", 1, "site-c-skull", 2)
    home = SiteHome.create(tmp_path / "site", "hospital-c")
    dicom, labels = Folder(tmp_path / "phantoms" / "dicom"), tmp_path / "phantoms" / "labels.csv"
    report = ingest(home, str(bundle.root), dicom, labels, max_refused="100%", page=False)
    assert report.refused == {"SKULL_PRESENT": 1}
    lines = [json.loads(line) for line in (report.dataset / "ingest.jsonl").read_text().splitlines()]
    refused = [line for line in lines if line["code"] == "SKULL_PRESENT"]
    assert refused
    assert all("a shell of the head is darker" in line["detail"] and len(line["case"]) == 16 for line in refused)


@pytest.mark.slow
def test_it_learns_and_its_limits_hold_on_the_scans_they_come_from(
    bundle: Bundle, dataset: Path, tmp_path: Path
) -> None:
    opened = workflow(bundle, "train", dataset, tmp_path, "train.json", **{"train#trainer#max_epochs": EPOCHS})
    evaluator = opened.parser.get_parsed_content("validate#evaluator")
    evaluator.run()
    before = evaluator.state.metrics["val_negative_l1"]
    opened.run()
    evaluator.run()
    told = evaluator.state.metrics
    assert told["val_negative_l1"] > 0.5 * before
    limits = opened.parser.get_parsed_content("network").appearance.limits
    assert bool((limits > 0).all())
    for sign in ("bright", "dark", "absolute"):  # of few voxels at the very limit, bins make ties
        assert told[f"val_healthy_above_{sign}"] == pytest.approx(0.01, abs=2e-3)


@pytest.mark.slow
def test_the_baseline_has_the_same_rule_and_metrics(bundle: Bundle, dataset: Path, tmp_path: Path) -> None:
    opened = workflow(bundle, "train", dataset, tmp_path, "train.json", "threshold.json", validation_section="test")
    evaluator = opened.parser.get_parsed_content("validate#evaluator")
    evaluator.run()
    told = evaluator.state.metrics
    assert 0 < told["val_ap_small_bright_bright"] < 1
    assert 0 <= told["val_dice_mass_bright"] < 1
    with torch.no_grad():
        limits = opened.parser.get_parsed_content("network").appearance.limits
    assert bool((limits > 0).all())
