"""A stock bundle is held to MONAI's specification; what cannot apply to it is told as such."""

import json
import shutil
from pathlib import Path

import pytest
from samples.stock_site import RING, SPHERE, STOCK

from fedbundle.check.check import check
from fedbundle.check.examine import examine
from fedbundle.check.finding import EXEMPT, FAILED, NOT_TRIED, OK, Finding
from fedbundle.check.names import READING

ALWAYS_EXEMPT = {"documents", "dicom", "trains", "evaluates", "infers", "several_gpus"}


def read(root: Path, scratch: Path) -> dict[str, Finding]:
    return {finding.rule: finding for finding in examine(root, scratch, names=(*READING, "properties"))}


@pytest.fixture
def sphere(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STOCK / SPHERE, tmp_path / SPHERE))


@pytest.mark.slow
@pytest.mark.parametrize("bundle", [SPHERE, RING])
def test_no_rule_that_can_apply_is_broken(bundle: str) -> None:
    report = check(STOCK / bundle)
    results = {finding.rule: finding.result for finding in report.findings}
    assert not report.broken, report.text()
    assert {rule for rule, result in results.items() if result == EXEMPT} == ALWAYS_EXEMPT
    assert {rule for rule, result in results.items() if result == NOT_TRIED} <= {"onnx"}


def test_each_exemption_and_each_narrower_rule_says_why(sphere: Path, tmp_path: Path) -> None:
    found = read(sphere, tmp_path)
    assert {rule for rule, finding in found.items() if finding.result == EXEMPT} == {"documents", "dicom"}
    assert all(finding.told for finding in found.values() if finding.result == EXEMPT)
    assert "files of MONAI's specification" in found["layout"].told
    assert found["metadata"].told.startswith("no eval/schema.json")
    assert found["properties"].told.startswith("ids alone")
    assert found["classes"].told.startswith("channels and their meanings alone")
    assert found["federation"].told == "selected by val_mean_dice"


@pytest.mark.parametrize(
    ("file", "key", "rule", "told"),
    [
        ("train", "network_def", "federation", "configs/train.json network_def"),
        ("train", "validate", "federation", "configs/train.json validate#evaluator#key_val_metric"),
        ("train", "train", "properties", "configs/train.json train#trainer"),
        ("inference", "inferer", "properties", "configs/inference.json inferer"),
        ("metadata", "authors", "metadata", "configs/metadata.json authors"),
    ],
)
def test_what_is_missing_is_named(file: str, key: str, rule: str, told: str, sphere: Path, tmp_path: Path) -> None:
    path = sphere / "configs" / f"{file}.json"
    content = json.loads(path.read_text())
    del content[key]
    path.write_text(json.dumps(content))
    finding = read(sphere, tmp_path)[rule]
    assert finding.result == FAILED
    assert any(problem.text().startswith(told) for problem in finding.problems), finding


def test_evaluation_and_inference_may_be_absent(sphere: Path, tmp_path: Path) -> None:
    for file in ("evaluate", "inference"):
        (sphere / "configs" / f"{file}.json").unlink()
    found = read(sphere, tmp_path)
    assert {finding.result for finding in found.values()} <= {OK, EXEMPT, NOT_TRIED}
    assert found["one_recipe"].result == NOT_TRIED


def test_a_stock_bundle_has_one_size(sphere: Path, tmp_path: Path) -> None:
    (finding,) = examine(sphere, tmp_path, "full", ("net_in_out",))
    assert (finding.result, finding.told) == (EXEMPT, "a stock bundle has one size")
