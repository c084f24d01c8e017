"""The check as a whole: in a process of its own, of folders and zips, and told to people, machines and the shell."""

import json
import shutil
from pathlib import Path

import pytest

from fedbundle.bundle.archive import pack
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.check.check import check
from fedbundle.check.finding import FAILED, NOT_TRIED, Finding, Problem
from fedbundle.check.names import NAMES
from fedbundle.check.report import Report
from fedbundle.check.rules import RULES
from fedbundle.cli import main
from fedbundle.errors import CheckError, InputError

SOUND = Path(__file__).parents[2] / "bundles" / "prostate_mri_zones"
FINDINGS = [
    Finding("layout", "ok", 0.01),
    Finding("classes", FAILED, 0.02, "", (Problem("configs/ingest.json", "label#values", "must be another"),)),
]


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a folder or a zip"):
        check(tmp_path / "absent")


def test_a_folder_of_bundles_is_none_and_names_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be a folder with configs/metadata.json.*; check the path"):
        check(tmp_path)
    with pytest.raises(InputError, match=r"name one of .*bundles/hip_radiograph_fracture, .*prostate_mri_zones"):
        check(SOUND.parents[1])


def test_each_rule_is_called_what_its_function_is_called() -> None:
    assert {name: rule.__name__ for name, rule in RULES.items()} == {name: name for name in NAMES}


def test_every_rule_has_a_line_in_the_reference(repository: Path) -> None:
    page, _ = (repository / "docs" / "reference" / "check.md").read_text().split("## Stock bundles")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(NAMES)


def test_people_see_the_place() -> None:
    text = Report("zones", FINDINGS).text()
    assert "classes: configs/ingest.json label#values: must be another" in text
    assert "zones: 1 of 2 rules broken" in text


def test_findings_come_back_from_json() -> None:
    assert [Finding.of(json.loads(json.dumps(finding.data()))) for finding in FINDINGS] == FINDINGS


@pytest.mark.slow
def test_code_that_ends_the_process_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is written into the bundle."""
    root = shutil.copytree(SOUND, tmp_path / SOUND.name)
    (root / "zones_own.py").write_text('"""Ends."""\nimport os\nos._exit(3)\n')
    config = root / "configs" / "train.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"loss": {"_target_": "zones_own.Loss"}}))
    before = sorted(root.rglob("*"))
    assert main(["check", str(root), "--json"]) == CheckError.code
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == ["targets"]
    results = {rule["rule"]: rule for rule in told["rules"]}
    assert "status 3" in results["targets"]["problems"][0]["message"]
    assert (results["trains"]["result"], results["trains"]["told"]) == (NOT_TRIED, "the process ended in targets")
    assert sorted(root.rglob("*")) == before


@pytest.mark.slow
def test_a_zip_with_its_own_fedblocks_is_tried_by_them(tmp_path: Path) -> None:
    """A fault in the fedblocks of the zip is found, so it was not the installed one that ran."""
    copy_bundle(SOUND, tmp_path / SOUND.name)
    net = tmp_path / SOUND.name / "fedblocks" / "nets" / "plain_dynunet.py"
    net.write_text(net.read_text().replace("return logits", "return logits * float('nan')"))
    pack(tmp_path / SOUND.name, tmp_path / "zones.zip")
    broken = {finding.rule for finding in check(tmp_path / "zones.zip").broken}
    assert {"net_in_out", "torchscript", "trains"} <= broken
    assert "layout" not in broken
