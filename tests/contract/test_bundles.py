"""Every bundle under bundles/ keeps the MONAI bundle contract and ours; a new bundle is found by itself."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow, verify_net_in_out
from torch import nn

from fedbundle.bundle.layout import Bundle
from fedbundle.files import write_json

ROOT = Path(__file__).parents[2] / "bundles"
BUNDLES = sorted(path.parents[1] for path in ROOT.glob("*/configs/metadata.json"))
SECTIONS = {"training": 2, "validation": 1, "test": 1}


def test_the_glob_finds_bundles() -> None:
    assert BUNDLES


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda path: path.name)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return Bundle.open(request.param)


@pytest.fixture(scope="module")
def data(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist over small random volumes, one file per input of the bundle and a label of all its values."""
    folder = tmp_path_factory.mktemp(bundle.name)
    rng = np.random.default_rng(0)
    keys = [*bundle.ingest_rules["inputs"], bundle.ingest_rules["label"]["key"]]
    values = [int(value) for value in bundle.ingest_rules["label"]["values"]]
    datalist: dict[str, Any] = {}
    for section, count in SECTIONS.items():
        datalist[section] = []
        for number in range(count):
            item = {"case": f"{section}{number}"}
            for key in keys:
                shape = (48, 48, 12)
                volume = rng.choice(values, shape).astype(np.uint8) if key == keys[-1] else rng.random(shape)
                item[key] = f"{section}{number}_{key}.nii"
                nib.save(nib.Nifti1Image(volume.astype(np.float32), np.diag([2.0, 2.0, 4.0, 1.0])), folder / item[key])
            datalist[section].append(item)
    write_json(folder / "datalist.json", datalist)
    return folder


@pytest.fixture(autouse=True)
def _import_path() -> Iterator[None]:
    """Workflows put the bundle on sys.path; take it off again."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def workflow(bundle: Bundle, kind: str, data: Path, out: Path, *configs: str) -> ConfigWorkflow:
    opened = ConfigWorkflow(
        config_file=[str(bundle.root / "configs" / config) for config in configs],
        meta_file=str(bundle.root / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(bundle.root),
        dataset_dir=str(data),
        ckpt_dir=str(out),
        output_dir=str(out),
        device="$torch.device('cpu')",
    )
    opened.initialize()
    return opened


def test_metadata_follows_the_schema_it_carries(bundle: Bundle) -> None:
    schema = json.loads((bundle.root / "eval" / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(bundle.metadata, schema)
    assert bundle.version in bundle.metadata["changelog"]


def test_a_missing_changelog_is_noticed(bundle: Bundle) -> None:
    schema = json.loads((bundle.root / "eval" / "schema.json").read_text())
    lesser = {key: value for key, value in bundle.metadata.items() if key != "changelog"}
    with pytest.raises(jsonschema.ValidationError, match="changelog"):
        jsonschema.validate(lesser, schema)


def test_network_fits_the_declared_format(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle.root)
    verify_net_in_out(
        net_id="network_def",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        device="cpu",
    )


def test_training_and_inference_use_one_network(bundle: Bundle) -> None:
    train, inference = (json.loads((bundle.root / "configs" / f"{n}.json").read_text()) for n in ("train", "inference"))
    data = ("network_def", "spacing_mm", "field_voxels", "patch_voxels")
    shared = [key for key in data if key in inference and key in train]
    assert "network_def" in shared
    assert {key: train[key] for key in shared} == {key: inference[key] for key in shared}


def test_it_trains_evaluates_and_infers(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    train = workflow(bundle, "train", data, tmp_path, "train.json")
    assert train.check_properties() in (None, [])
    network = train.parser.get_parsed_content("network")
    assert not any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())
    train.trainer.state.max_epochs = 1
    train.trainer.run()
    train.parser.get_parsed_content("validate#evaluator").run()
    assert (tmp_path / "model.pt").is_file()
    evaluate = workflow(bundle, "train", data, tmp_path, "train.json", "evaluate.json")
    evaluate.run()
    assert list(tmp_path.glob("*_raw.csv"))
    inference = workflow(bundle, "infer", data, tmp_path, "inference.json")
    assert inference.check_properties() in (None, [])
    inference.run()
    (predicted,) = tmp_path.rglob("*_pred.nii*")
    source = nib.load(data / "test0_image.nii")
    assert nib.load(predicted).shape == source.shape
    np.testing.assert_allclose(nib.load(predicted).affine, source.affine, atol=1e-4)


def test_torchscript_equals_eager(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    network = workflow(bundle, "train", data, tmp_path, "train.json").parser.get_parsed_content("network").eval()
    tensor = bundle.metadata["network_data_format"]["inputs"]["image"]
    image = torch.rand(1, tensor["num_channels"], *tensor["spatial_shape"])
    scripted = torch.jit.script(network)
    with torch.no_grad():
        torch.testing.assert_close(scripted(image), network(image))
