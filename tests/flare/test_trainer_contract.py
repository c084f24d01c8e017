"""Cases that break the data contract never meet the network; the answer counts them, the site's log names them."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from samples.ball_site import BUNDLE, write_ball_bundle, write_ball_site
from samples.contract_dataset import edit_file

from fedbundle.bundle.digest import recipe_digest
from fedbundle.errors import DatasetError
from fedbundle.files import read_json, write_json
from fedbundle.flare.schema import answer_validator
from fedbundle.flare.trainer import Trainer
from fedbundle.site.home import SiteHome


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteHome:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    bundle = write_ball_bundle(tmp_path)
    rules = read_json(bundle / "configs" / "ingest.json")
    rules["inputs"]["image"]["contract"] = {"spacing_mm": {"min": 0.5, "max": 2}, "values": {"min": -5, "max": 5}}
    write_json(bundle / "configs" / "ingest.json", rules)
    return write_ball_site(tmp_path, "a", bundle, seed=1)


def trainer(home: SiteHome) -> Trainer:
    digest = recipe_digest(home.bundle_dir(BUNDLE))
    return Trainer.of_site(home, BUNDLE, digest, "job-1", local_epochs=1, device="cpu", seed=0)


def write_label(path: Path, value: int) -> None:
    """A mask that holds another value."""
    nibabel.save(nibabel.Nifti1Image(np.full((16, 16, 16), value, np.uint8), np.eye(4)), path)


def test_the_ledger_counts_what_the_log_names(home: SiteHome, caplog: pytest.LogCaptureFixture) -> None:
    home.settings["limits"]["max_dropped"] = 0.2
    edit_file(home.dataset_dir(BUNDLE), "training0", "label", lambda path: write_label(path, 7))
    edit_file(home.dataset_dir(BUNDLE), "training1", "image", lambda path: path.write_bytes(b"no image"))
    one = trainer(home)
    record = one.train(one.weights()).record()
    assert record["cases"] == {
        "offered": "<13",
        "used": "<5",
        "dropped": {"LABEL_VALUES": "<5", "UNREADABLE_FILE": "<5"},
    }
    assert record["steps"] == record["weight"] == 4
    answer_validator().validate(record)
    assert "training0" not in json.dumps(record)
    named = [line for line in caplog.messages if "case dropped" in line]
    assert named == [
        "training case dropped, LABEL_VALUES: training0: label: 1 values outside the label set, the first is 7",
        "training case dropped, UNREADABLE_FILE: training1: image: no whole NIfTI file",
    ]


def test_an_empty_split_is_refused_before_training(home: SiteHome) -> None:
    for number in range(6):
        edit_file(home.dataset_dir(BUNDLE), f"training{number}", "label", lambda path: write_label(path, 7))
    with pytest.raises(DatasetError, match="section training must hold at least one usable case, got 6 LABEL_VALUES"):
        trainer(home)
    assert not (Path.cwd() / "fedbundle").exists()


def test_a_run_with_another_contract_judges_the_same_files_anew(home: SiteHome) -> None:
    assert not trainer(home).dataset.dropped
    path = home.bundle_dir(BUNDLE) / "configs" / "ingest.json"
    text = path.read_text().replace('"max": 5', '"max": 0.5')
    path.write_text(text)
    with pytest.raises(DatasetError, match="VALUE_RANGE"):
        trainer(home)
    shutil.rmtree(home.dataset_dir(BUNDLE) / "images")
    with pytest.raises(DatasetError, match="21 FILE_MISSING"):  # what is remembered says nothing of what is there
        trainer(home)
