"""Faces in an ingest: removed by the program of site.toml, told, and never left in silence."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from samples.deface_program import write_deface_program
from samples.dicom_studies import write_bundle, write_study

from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import InputError, SiteError
from fedbundle.site.doctor import examine_site
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest
from fedbundle.site.report import Report


class Hospital:
    """Two studies, and a bundle whose only role shows a head."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        path = self.bundle / "configs" / "ingest.json"
        rules = json.loads(path.read_text())
        rules["inputs"]["image"]["deface"] = True
        path.write_text(json.dumps(rules))
        for study in (1, 2):
            write_study(folder / "dicom", study)
        self.dicom = folder / "dicom"
        self.command = write_deface_program(folder)
        self.dataset = self.home.dataset_dir("prostate_mri_zones")

    def set(self, command: list[str] | None) -> None:
        """Write site.toml."""
        told = f"[deidentify]\ndeface_command = {json.dumps(command)}\n" if command else ""
        (self.home.path / "site.toml").write_text(f'name = "hospital-a"\n{told}')
        self.home = SiteHome.open(self.home.path)

    def ingest(self, command: list[str] | None = None, keep_dicom: bool = False) -> Report:
        self.set(command)
        return ingest(self.home, str(self.bundle), Folder(self.dicom), keep_dicom=keep_dicom)

    def told(self) -> list[Any]:
        """`defaced` of the chosen series."""
        lines = [json.loads(line) for line in (self.dataset / "ingest.jsonl").read_text().splitlines()]
        return [line["defaced"] for line in lines if line["role"]]

    def voxels(self) -> list[Any]:
        return [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in sorted(self.dataset.glob("images/*"))]


@pytest.fixture
def hospital(tmp_path: Path, repository: Path) -> Hospital:
    return Hospital(tmp_path, repository)


def test_faces_go_and_the_journal_tells_by_what(hospital: Hospital) -> None:
    assert any("faces are left" in warning for warning in hospital.ingest().warnings)
    assert hospital.told() == ["no, no program for it"] * 2
    before = hospital.voxels()
    report = hospital.ingest(hospital.command)
    assert report.data()["studies"]["unchanged"] == 0
    assert not any("faces" in warning for warning in report.warnings)
    assert {told["by"] for told in hospital.told()} == {Path(sys.executable).name}
    for old, new in zip(before, hospital.voxels(), strict=True):
        assert 0 < (old != new).mean() <= 0.25
        assert np.array_equal(old[old == new], new[old == new])
    assert hospital.ingest(hospital.command).data()["studies"]["unchanged"] == 2


def test_a_program_that_is_not_there_stops_it_before_anything_is_written(hospital: Hospital) -> None:
    with pytest.raises(SiteError, match=r"deface_command of site\.toml must begin with a program"):
        hospital.ingest(["/nowhere/deface", "{input}", "{output}"])
    assert not hospital.dataset.exists()


def test_kept_dicom_would_show_the_face(hospital: Hospital) -> None:
    with pytest.raises(InputError, match="--keep-dicom must be left out"):
        hospital.ingest(hospital.command, keep_dicom=True)
    assert not hospital.dataset.exists()


def test_a_face_that_a_killed_ingest_left_lies_in_the_dataset_is_told_and_cleared(hospital: Hospital) -> None:
    (hospital.dicom.parent / "slow.py").write_text("import time; time.sleep(5)")
    slow = [sys.executable, str(hospital.dicom.parent / "slow.py"), "{input}", "{output}"]
    hospital.set(slow)
    command = [sys.executable, "-m", "fedbundle.cli", "ingest", "--site", str(hospital.home.path)]
    command += ["--bundle", str(hospital.bundle), "--dicom", str(hospital.dicom)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 60
    while not (faces := list(hospital.dataset.glob(".incoming/*/head.nii.gz"))) and time.monotonic() < ends:
        time.sleep(0.01)
    told = {finding.subject: finding.message for finding in examine_site(hospital.home)}
    assert "remains" not in told["dataset prostate_mri_zones"]  # of an ingest that still works
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert faces[0].is_file()
    (found,) = (each for each in examine_site(hospital.home) if each.subject == "dataset prostate_mri_zones")
    assert (found.ok, found.message.partition(", which")[0]) == (
        False,
        "dataset must hold no remains of an interrupted ingest",
    )
    assert ".incoming; run the same fedbundle ingest again" in found.message
    hospital.ingest(hospital.command)
    assert not (hospital.dataset / ".incoming").exists()
    assert "remains" not in {each.subject: each.message for each in examine_site(hospital.home)}[found.subject]
