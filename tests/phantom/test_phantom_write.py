"""`fedbundle phantom`: layout, determinism, what it refuses, going on after an interruption."""

import csv
import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydicom import dcmread

from fedbundle.cli import main
from fedbundle.errors import InputError, OutputError
from fedbundle.phantom.write import write_phantoms
from fedbundle.verbs.everyone import Phantom

BUNDLE = "prostate_mri_zones"


def content(folder: Path) -> dict[str, str]:
    """Digest of each file, by its name in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes_and_patients_do_not_depend_on_their_number(tmp_path: Path) -> None:
    write_phantoms(BUNDLE, tmp_path / "one", 1, "site-c", 3)
    write_phantoms(BUNDLE, tmp_path / "two", 2, "site-c", 3)
    one, two = content(tmp_path / "one"), content(tmp_path / "two")
    one.pop("labels.csv")
    assert len(one) > 20
    assert all(two[name] == digest for name, digest in one.items())
    write_phantoms(BUNDLE, tmp_path / "other", 1, "site-c", 4)
    other = content(tmp_path / "other")
    assert all(other[name] != digest for name, digest in one.items())


def test_labels_csv_names_each_study_and_an_existing_mask(phantoms: dict[str, Path]) -> None:
    for root in phantoms.values():
        with (root / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        studies = {str(dcmread(path).StudyInstanceUID) for path in root.rglob("*.dcm")}
        assert {row["study_instance_uid"] for row in rows} == studies
        assert len(studies) == 2
        assert all((root / row["mask"]).is_file() for row in rows)


def test_a_killed_run_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "fedbundle.cli", "phantom", BUNDLE, "--out", str(out), "--profile", "site-c"]
    with subprocess.Popen([*command, "--patients", "99", "--seed", "3"], stderr=subprocess.DEVNULL) as process:
        while not (out / "dicom" / "patient_0001").exists() or not list(out.glob("dicom/.*.part")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    done = len(list(out.glob("dicom/patient_*")))
    assert done < 99
    assert not (out / "labels.csv").exists()
    write_phantoms(BUNDLE, out, done + 1, "site-c", 3)
    write_phantoms(BUNDLE, tmp_path / "whole", done + 1, "site-c", 3)
    assert content(out) == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bundle": "knee"}, "prostate_mri_zones"),
        ({"bundle": "write"}, "prostate_mri_zones"),
        ({"profile": "site-x"}, "site-a, site-b, site-c, site-d"),
        ({"patients": 0}, "1 to 9999, got 0"),
        ({"seed": -1}, "0 or more, got -1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path: Path, change: dict, message: str) -> None:
    asked = {"bundle": BUNDLE, "out": tmp_path / "out", "patients": 1, "profile": "site-a", "seed": 0, **change}
    with pytest.raises(InputError, match=message):
        write_phantoms(**asked)
    assert not (tmp_path / "out").exists()


def test_out_that_holds_something_else_is_refused(tmp_path: Path, phantoms: dict[str, Path]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="new or empty folder"):
        write_phantoms(BUNDLE, tmp_path, 1, "site-a", 5)
    with pytest.raises(OutputError, match="same bundle, profile, seed and version"):
        write_phantoms(BUNDLE, phantoms["site-a"], 1, "site-a", 6)
    with pytest.raises(OutputError, match="must be a folder"):
        write_phantoms(BUNDLE, tmp_path / "notes.txt", 1, "site-a", 5)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_verb_tells_what_it_wrote(phantoms: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = phantoms["site-d"]
    outcome = Phantom(bundle=BUNDLE, out=root, patients=2, profile="site-d", seed=5).run()
    assert outcome.data["files"] == 1 + 2 + len(list(root.rglob("*.dcm")))
    assert main(["phantom", BUNDLE, "--out", str(root), "--profile", "nowhere"]) == InputError.code
    assert "profile must be one of" in capsys.readouterr().err
