"""hip_radiograph_risk: what its configs say of one another, and its way from films and factors to curves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.workflows import config, workflow

from fedbundle.bundle.declared import calibration, key_metric
from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import RiskOut, read_dicom_out
from fedbundle.files import write_json
from fedbundle.phantom.hip_radiograph_risk import COLUMNS
from fedbundle.site.labels.table import columns_of

KNOWN = {"age_years": 80.0, "female": 1, "bmi": 22.5, "prior_fracture": 0, "bmd_t_score": -2.5}

pytestmark = pytest.mark.usefixtures("import_path")


@pytest.fixture(scope="module")
def bundle(repository: Path) -> Bundle:
    return Bundle.open(repository / "bundles" / "hip_radiograph_risk")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of two hips; a factor is missing of every other patient, all are of the last."""
    folder = tmp_path_factory.mktemp("films")
    random = np.random.default_rng(0)
    datalist: dict[str, list[dict[str, Any]]] = {}
    for section, count in {"training": 3, "validation": 3, "test": 2}.items():
        datalist[section] = []
        for number in range(count):
            case = f"{section}{number}"
            picture = random.random((330, 400)).astype(np.float32)
            Volume(picture[None], np.diag([1.0, 1.0, 1.0, 1.0]), "").to_nifti(folder / f"{case}.nii.gz")
            known = dict.fromkeys(KNOWN) if number == count - 1 else KNOWN | {"bmi": None if number % 2 else 22.5}
            for side in "RL":
                item = {"case": case, "patient": case, "image": f"{case}.nii.gz", "laterality": side}
                course = {"time_years": 2.5 * number + 0.5 + (side == "L"), "event": (number + (side == "R")) % 3}
                datalist[section].append(item | course | known | {"sha256": {"image": "-"}})
    write_json(folder / "datalist.json", datalist)
    return folder


def test_training_and_inference_prepare_items_alike(bundle: Bundle) -> None:
    train, inference = config(bundle, "train"), config(bundle, "inference")
    made = train["train"]["deterministic"]
    transforms = inference["preprocessing"]["transforms"]
    assert made[:5] == transforms[:5]
    assert train["train"]["random"][-1] == train["validate"]["planes"] == transforms[5]
    for key in ("spacing_mm", "field_voxels", "network_def", "edges_years", "factors"):
        assert train[key] == inference[key]


def test_factors_are_told_alike_everywhere(bundle: Bundle) -> None:
    factors, columns = config(bundle, "train")["factors"], columns_of(checked_rules(config(bundle, "ingest")))
    wanted = read_dicom_out(bundle.root)
    assert isinstance(wanted, RiskOut)
    assert list(factors) == list(wanted.factors) == list(KNOWN)
    assert tuple(columns) == COLUMNS[1:]
    for name, told in factors.items():
        assert columns[name]["missing"]
        assert [columns[name][end] for end in ("min", "max")] == [told[end] for end in ("min", "max")]
    network = config(bundle, "train")["network_def"]
    assert network["factors"] == len(factors)
    assert bundle.metadata["network_data_format"]["inputs"]["image"]["num_channels"] == 1 + 2 * len(factors)
    assert set(wanted.horizons_years) <= set(config(bundle, "train")["edges_years"])
    assert (key_metric(bundle.root), calibration(bundle.root).weight) == ("val_concordance", "")


def test_it_trains_evaluates_and_infers(bundle: Bundle, films: Path, tmp_path: Path) -> None:
    train = workflow(bundle, "train", films, tmp_path, "train.json", max_epochs=1)
    assert sum(each.numel() for each in train.parser.get_parsed_content("network").parameters()) < 300_000
    train.run()
    evaluator = train.parser.get_parsed_content("validate#evaluator")
    evaluator.run()
    assert 0 <= evaluator.state.metrics["val_concordance"] <= 1
    workflow(bundle, "train", films, tmp_path, "train.json", "evaluate.json").run()
    rows = (tmp_path / "val_concordance_raw.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["test0_R", "test0_L", "test1_R", "test1_L"]
    workflow(bundle, "infer", films, tmp_path, "inference.json").run()
    for case, missing in (("test0", []), ("test1", list(KNOWN))):
        for side in "RL":
            told = json.loads((tmp_path / f"{case}_{side}_pred.json").read_text())
            assert told["years"] == list(range(11))
            assert told["missing"] == missing
            assert (np.diff(told["risk"]) > 0).all()
            assert all(0 <= low <= high <= 1 for low, high in zip(told["low"], told["high"], strict=True))


def test_a_covariate_out_of_range_stops_the_run_without_being_told(bundle: Bundle, films: Path, tmp_path: Path) -> None:
    listed = json.loads((films / "datalist.json").read_text())
    for item in (item for items in listed.values() for item in items):
        item["image"] = str(films / item["image"])
    listed["training"][0]["bmi"] = 812.0
    write_json(tmp_path / "datalist.json", listed)
    with pytest.raises(RuntimeError) as caught:
        workflow(bundle, "train", films, tmp_path, "train.json", datalist=str(tmp_path / "datalist.json")).run()
    told, error = "", caught.value.__cause__
    while error is not None:
        told, error = str(error), error.__cause__
    assert told == "bmi must be a number from 10 to 80 or missing, got another; mend the datalist"
