"""hip_radiograph_fracture: what its configs say of one another, and its way from films to files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import verify_net_in_out
from samples.workflows import config, workflow

from fedbundle.bundle.declared import calibration
from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.gate.roles import choose
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan, survey
from fedbundle.files import write_json

CLASSES = [str(index) for index in range(6)]

pytestmark = pytest.mark.usefixtures("import_path")


@pytest.fixture(scope="module")
def bundle(repository: Path) -> Bundle:
    return Bundle.open(repository / "bundles" / "hip_radiograph_fracture")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of two hips and of one, with a line across a bright neck where there is a fracture."""
    folder = tmp_path_factory.mktemp("films")
    random = np.random.default_rng(0)
    datalist: dict[str, list[dict[str, Any]]] = {}
    for section, count in {"training": 4, "validation": 6, "test": 2}.items():
        datalist[section] = []
        for number in range(count):
            case, wide = f"{section}{number}", number % 2 == 0
            picture = random.random((330 if wide else 220, 400 if wide else 240)).astype(np.float32) * 0.2
            middles = {"R": 100, "L": 300} if wide else {"L": 120}
            for side, column in middles.items():
                fracture = (2 * number + (side == "L")) % 6
                picture[150:180, column - 25 : column + 25] += 0.7
                picture[150:180, column - 1 : column + 1] -= 0.5 * (fracture in (1, 2, 3))
                item = {"case": case, "patient": case, "image": f"{case}.nii.gz", "laterality": side}
                datalist[section].append(item | {"fracture": fracture, "sha256": {"image": "-"}})
            Volume(picture[None], np.diag([1.0, 1.0, 1.0, 1.0]), "").to_nifti(folder / f"{case}.nii.gz")
    write_json(folder / "datalist.json", datalist)
    return folder


def test_the_calibration_and_the_metrics_it_names_are_one(bundle: Bundle, films: Path, tmp_path: Path) -> None:
    parser = workflow(bundle, "train", films, tmp_path, "train.json").parser
    declared = calibration(bundle.root)
    assert declared.weight in parser.get_parsed_content("network").state_dict()
    made = parser.get_parsed_content("validate#additional_metrics")
    measured = {name: handler.metric_fn.temperature for name, handler in made.items() if "_nll_at_" in name}
    assert measured == declared.metrics == {f"val_nll_at_{value:.2f}": value for value in measured.values()}
    assert list(measured.values()) == sorted(measured.values())
    assert (min(measured.values()), max(measured.values())) == (0.25, 4.0)
    assert 1.0 in measured.values()


def test_training_and_inference_prepare_films_alike(bundle: Bundle) -> None:
    train, inference = config(bundle, "train"), config(bundle, "inference")
    image_only = inference["preprocessing"]["transforms"]
    assert train["train"]["deterministic"][: len(image_only)] == image_only
    for key in ("spacing_mm", "field_voxels", "network_def"):
        assert train[key] == inference[key]


def test_classes_are_told_alike_everywhere(bundle: Bundle) -> None:
    values = checked_rules(config(bundle, "ingest"))["table"]["columns"]["fracture"]["values"]
    formats = bundle.metadata["network_data_format"]
    for told in (formats["outputs"]["pred"], formats["post_processed_outputs"]["pred"]):
        assert told["num_channels"] == len(values) == len(told["channel_def"])
        assert all(told["channel_def"][value].startswith(meaning) for value, meaning in values.items())


def test_it_trains_evaluates_and_infers(bundle: Bundle, films: Path, tmp_path: Path) -> None:
    train = workflow(bundle, "train", films, tmp_path, "train.json", max_epochs=1)
    assert sum(each.numel() for each in train.parser.get_parsed_content("network").parameters()) < 300_000
    train.run()
    train.parser.get_parsed_content("validate#evaluator").run()
    workflow(bundle, "train", films, tmp_path, "train.json", "evaluate.json").run()
    rows = (tmp_path / "val_auc_fracture_raw.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["test0_R", "test0_L", "test1_L"]
    workflow(bundle, "infer", films, tmp_path, "inference.json").run()
    written = {path.name for path in tmp_path.iterdir() if path.name.startswith("test")}
    assert written == {
        f"test{hip}_{file}" for hip in ("0_R", "0_L", "1_L") for file in ("pred.json", "saliency.nii.gz")
    }
    for hip in ("0_R", "0_L", "1_L"):
        told = json.loads((tmp_path / f"test{hip}_pred.json").read_text())
        assert (told["case"], told["laterality"]) == tuple(f"test{hip}".split("_"))
        assert list(told["probabilities"]) == CLASSES
        assert sum(told["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        film, saliency = nib.load(films / f"test{hip[0]}.nii.gz"), nib.load(tmp_path / f"test{hip}_saliency.nii.gz")
        assert saliency.shape == film.shape
        assert saliency.get_data_dtype() == np.float32
        np.testing.assert_allclose(saliency.affine, film.affine, atol=1e-6)
        values = saliency.get_fdata()
        assert 0 <= values.min() <= values.max() <= 1
        assert told["saliency"]["empty"] == (not values.any())
        if hip[0] == "0":  # only that half of a film of both hips
            assert not values[200:].any() if hip[2] == "R" else not values[:199].any()


def test_a_temperature_in_the_checkpoint_softens_what_is_told(bundle: Bundle, films: Path, tmp_path: Path) -> None:
    network = workflow(bundle, "train", films, tmp_path, "train.json").parser.get_parsed_content("network")
    told = {}
    for temperature in (0.05, 4.0):
        state = network.state_dict() | {"temperature": torch.tensor([temperature])}
        torch.save({"model": state}, tmp_path / "model.pt")
        workflow(bundle, "infer", films, tmp_path, "inference.json").run()
        told[temperature] = json.loads((tmp_path / "test0_R_pred.json").read_text())["probabilities"]
    assert max(told[4.0].values()) < max(told[0.05].values())
    assert max(told[4.0], key=told[4.0].get) == max(told[0.05], key=told[0.05].get)


def test_the_network_fits_its_declared_format(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle.root)
    verify_net_in_out("network_def", "configs/metadata.json", "configs/inference.json", device="cpu")


@pytest.mark.slow
def test_size_full_fits_the_same_format_and_way(
    bundle: Bundle, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = workflow(bundle, "train", films, tmp_path, "train.json", "full.json", max_epochs=1, batch_size=2)
    full.run()
    full.parser.get_parsed_content("validate#evaluator").run()
    workflow(bundle, "infer", films, tmp_path, "inference.json", "full.json").run()
    assert len(list(tmp_path.glob("test*_saliency.nii.gz"))) == 3
    monkeypatch.chdir(bundle.root)
    both = ["configs/inference.json", "configs/full.json"]
    verify_net_in_out("network_def", "configs/metadata.json", both, device="cpu")


def test_real_films_of_children_and_of_a_hand_are_refused(bundle: Bundle, testdata: Callable[[str], Path]) -> None:
    children = survey(testdata("hip_xray/ddh_dicom")).studies().values()
    assert {choose(film, bundle.ingest_rules).code for film in children} == {"AGE_OUT_OF_RANGE"}
    extremity = scan(testdata("hip_xray/monochrome1_cr"))
    assert {choose([film], bundle.ingest_rules).code for film in extremity} == {"WRONG_BODY_PART"}
