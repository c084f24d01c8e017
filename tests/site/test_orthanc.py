"""Ingest from a real PACS: Orthanc by DIMSE and DICOMweb; none of its cases is lost or doubled, whatever happens."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from orthanc import PASSWORD, USER, Orthanc, installed, running
from samples.dicom_series import Stack
from samples.dicom_studies import write_bundle, write_labels, write_study
from samples.small_pacs import UNCLOSED

from fedbundle.cli import main
from fedbundle.site.home import SiteHome

pytestmark = [
    pytest.mark.filterwarnings(UNCLOSED),
    pytest.mark.skipif(not installed(), reason="no Orthanc: apt-get install orthanc orthanc-dicomweb"),
]
KINDS = ("get", "move", "web")


class Hospital:
    """A site home, a bundle, and an Orthanc that holds the same studies as a folder."""

    def __init__(self, folder: Path, repository: Path, orthanc: Orthanc, studies: int, stack: Stack) -> None:
        self.folder, self.orthanc = folder, orthanc
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        for study in range(1, studies + 1):
            write_study(folder / "dicom", study, stack)
        self.labels = write_labels(folder / "labels", folder / "dicom", range(1, studies + 1))
        self.secret = self.home.path / "keys" / "dicomweb.password"
        self.secret.write_text(PASSWORD)
        self.secret.chmod(0o600)
        orthanc.address.receive(folder / "dicom")
        assert main(self.command(["--dicom", str(folder / "dicom")], "folder")) == 0

    def command(self, source: list[str], out: str) -> list[str]:
        """Words of `fedbundle ingest`."""
        start = ["ingest", "--site", str(self.home.path), "--bundle", str(self.bundle), "--labels", str(self.labels)]
        return [*start, "--out", str(self.folder / out), "--json", *source]

    def asking(self, kind: str, out: str = "dataset") -> list[str]:
        """The command that asks Orthanc in this way."""
        tables = self.orthanc.address.settings("move" if kind == "move" else "get")
        (self.home.path / "site.toml").write_text('name = "hospital-a"\n' + tables)
        return self.command(["--dicomweb", self.orthanc.address.url] if kind == "web" else ["--pacs", "test"], out)

    def same(self, out: str = "dataset") -> bool:
        """The dataset holds what the one from the folder holds."""
        lists = [(self.folder / name / "datalist.json").read_bytes() for name in (out, "folder")]
        files = [sorted(p.name for p in (self.folder / name).rglob("*.nii.gz")) for name in (out, "folder")]
        return lists[0] == lists[1] and files[0] == files[1] and not (self.folder / out / ".incoming").exists()


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the last run said of its studies."""
    content: dict[str, Any] = json.loads(capsys.readouterr().out)["studies"]
    return content


@pytest.fixture
def orthanc() -> Iterator[Orthanc]:
    """An empty one."""
    with running() as server:
        yield server


def test_orthanc_gives_what_the_folder_gives(
    orthanc: Orthanc, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hospital = Hospital(tmp_path, repository, orthanc, 2, Stack())
    for kind in KINDS:
        assert main(hospital.asking(kind, kind)) == 0
        assert hospital.same(kind)
        capsys.readouterr()
        assert main(hospital.asking(kind, kind)) == 0
        assert told(capsys)["unchanged"] == 2
    hospital.secret.write_text("wrong")
    assert main(hospital.asking("web")) == 25
    assert "must let us in, got HTTP 401" in capsys.readouterr().err
    command = hospital.asking("get")
    settings = hospital.home.path / "site.toml"
    settings.write_text(settings.read_text().replace('"FEDBUNDLE"', '"STRANGER"'))
    assert main(command) == 25
    assert "PACS test must accept STRANGER" in capsys.readouterr().err
    assert USER not in capsys.readouterr().err


@pytest.mark.slow
def test_an_instance_that_orthanc_has_lost_is_missed(
    orthanc: Orthanc, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hospital = Hospital(tmp_path, repository, orthanc, 2, Stack())
    wanted = Stack(study=2).study_uid.removesuffix("100") + "1.12.9"  # the last slice: no gap tells of it
    store = [path for path in (orthanc.folder / "store").glob("*/*/*") if path.is_file()]
    lost = [path for path in store if wanted.encode() in path.read_bytes()]
    assert lost
    orthanc.stop()
    for path in lost:
        path.unlink()
    orthanc.start()  # it had the file in memory
    for kind in KINDS:
        capsys.readouterr()
        assert main([*hospital.asking(kind, kind), "--max-refused", "1"]) == 0
        assert told(capsys)["refused"] == {"MISSING_INSTANCES": 1}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_studies_and_a_pacs_that_is_killed_in_the_middle(
    orthanc: Orthanc, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hospital = Hospital(tmp_path, repository, orthanc, 100, Stack(slices=10))
    for kind in KINDS:
        journal = hospital.folder / kind / "ingest.jsonl"
        with subprocess.Popen(
            [sys.executable, "-m", "fedbundle.cli", *hospital.asking(kind, kind)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 60):
                time.sleep(0.01)
            orthanc.stop(kill=True)
            _, error = process.communicate(timeout=120)
        assert process.returncode == 25
        assert "must answer, got" in error
        assert "Traceback" not in error
        assert not (hospital.folder / kind / ".incoming").exists()
        orthanc.start()
        capsys.readouterr()
        assert main(hospital.asking(kind, kind)) == 0
        studies = told(capsys)
        assert (studies["offered"], studies["used"], studies["refused"]) == (100, 100, {})
        assert 30 <= studies["unchanged"] < 100
        assert hospital.same(kind)
        shutil.rmtree(hospital.folder / kind)
