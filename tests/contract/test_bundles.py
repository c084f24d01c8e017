"""Every bundle under bundles/ keeps its contract; a new bundle is found by itself, as are its overlays."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from fedbundle.check.check import check
from fedbundle.check.finding import NOT_TRIED
from fedbundle.check.subject import Subject
from fedbundle.check.synthetic import write_dataset

ROOT = Path(__file__).parents[2] / "bundles"
BUNDLES = sorted(path.parents[1] for path in ROOT.glob("*/configs/metadata.json"))
each_bundle = pytest.mark.parametrize("root", BUNDLES, ids=lambda path: path.name)
WITHOUT_PACKAGES = {"onnx"}  # not among the packages of the tests
RANKS = """
import gc, json, sys, torch
from monai.bundle import ConfigWorkflow
from torch import distributed
files, data, out = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
opened = ConfigWorkflow(files, "configs/metadata.json", False, workflow_type="train", dataset_dir=data, ckpt_dir=out,
                        output_dir=out, **{"train#trainer#max_epochs": 2})
opened.initialize()
opened.run()
rank, size = distributed.get_rank(), distributed.get_world_size()
opened.parser.get_parsed_content("validate#evaluator").run()
torch.save(opened.parser.get_parsed_content("network").module.state_dict(), f"{out}/rank{rank}_of_{size}.pt")
opened.finalize()
del opened  # DistributedDataParallel holds the group whose threads must end before the interpreter does
gc.collect()
"""


def test_the_glob_finds_bundles() -> None:
    assert BUNDLES


@each_bundle
def test_it_keeps_every_rule(root: Path) -> None:
    report = check(root)
    assert not report.broken, report.text()
    assert {finding.rule for finding in report.findings if finding.result == NOT_TRIED} <= WITHOUT_PACKAGES


def widths(config: Any) -> Iterator[float]:
    """All widths in a config from which a film shows both sides, of whatever name and at whatever depth."""
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if key in ("both_sides_from_mm", "pelvis_mm") and not isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from widths(value)


@each_bundle
def test_ingest_crop_and_predict_take_the_same_films_for_films_of_both_sides(root: Path) -> None:
    files = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in (root / "configs").glob("*.json")}
    named = {name: set(widths(config)) for name, config in files.items()}
    assert len(set().union(*named.values())) <= 1, named
    assert not named["dicom_out.json"] or named["ingest.json"] == named["dicom_out.json"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@each_bundle
def test_it_keeps_every_rule_in_full_size(root: Path) -> None:
    report = check(root, full=True)
    assert not report.broken, report.text()


@pytest.mark.slow
@each_bundle
def test_two_processes_train_one_network(root: Path, tmp_path: Path) -> None:
    """By torchrun over gloo: both end with the weights that were not theirs at first, and one file of them is kept."""
    (tmp_path / "data").mkdir()
    bundle = Subject(root, tmp_path)
    write_dataset(bundle.ingest_rules, bundle.json("configs/train.json"), tmp_path / "data")
    (tmp_path / "ranks.py").write_text(RANKS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
            *(
                tmp_path / "ranks.py",
                '["configs/train.json", "configs/multi_gpu_train.json"]',
                tmp_path / "data",
                tmp_path,
            ),
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    first, second = (torch.load(tmp_path / f"rank{rank}_of_2.pt", weights_only=True) for rank in (0, 1))
    kept = torch.load(tmp_path / "model.pt", weights_only=True)
    parser = ConfigParser(config=bundle.json("configs/train.json"))
    assert first.keys() == second.keys() == kept.keys() == parser.get_parsed_content("network_def").state_dict().keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        assert torch.equal(value, kept[name]), name
