"""Ingest from a PACS and from a zip: what comes is what a folder would have given, and nothing is lost or doubled."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from samples.dicom_series import ROOT, Stack
from samples.dicom_studies import write_bundle, write_labels, write_sheet, write_study
from samples.small_pacs import UNCLOSED, SmallPacs

from fedbundle.cli import main
from fedbundle.dicom.sources import remote
from fedbundle.errors import InputError, SiteError
from fedbundle.site.home import SiteHome
from fedbundle.site.secret import read_secret
from fedbundle.site.sources import chosen_source
from fedbundle.site.studies import wanted_studies

pytestmark = pytest.mark.filterwarnings(UNCLOSED)
STUDIES = 2


class Site:
    """A site home, a bundle, labels, and the studies in a PACS and in a folder."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder = folder
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        for study in range(1, STUDIES + 1):
            write_study(folder / "dicom", study)
        self.labels = write_labels(folder / "labels", folder / "dicom", range(1, STUDIES + 1))
        self.pacs = SmallPacs.of(folder / "dicom")
        self.describe(self.pacs.port)

    def describe(self, port: int, ae_title: str = "SMALLPACS") -> None:
        """[pacs.small] of site.toml."""
        (self.home.path / "site.toml").write_text(
            f'name = "hospital-a"\n[pacs.small]\nhost = "127.0.0.1"\n'
            f'port = {port}\nae_title = "{ae_title}"\ntimeout_s = 5\n'
        )

    def ingest(self, *arguments: str, out: str = "dataset") -> int:
        """Exit code of `fedbundle ingest`."""
        start = ["ingest", "--site", str(self.home.path), "--bundle", str(self.bundle), "--labels", str(self.labels)]
        return main([*start, "--out", str(self.folder / out), *arguments])

    def tree(self, out: str = "dataset") -> dict[str, bytes]:
        """Files of a dataset; of the journal what does not tell the source."""
        files = [path for path in (self.folder / out).rglob("*") if path.is_file() and path.name != ".lock"]
        found = {path.relative_to(self.folder / out).as_posix(): path.read_bytes() for path in files}
        lines = [json.loads(line) for line in found["ingest.jsonl"].splitlines()]
        of_files = ("announced", "source")  # bytes of a file differ when it was sent, pixels do not
        told = [{key: value for key, value in line.items() if key not in of_files} for line in lines]
        return found | {"ingest.jsonl": json.dumps(told).encode()}


@pytest.fixture
def site(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Three studies; attempts follow each other at once."""
    monkeypatch.setattr(remote, "WAITS_S", (0.0, 0.0, 0.0))
    return Site(tmp_path, repository)


def refused(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Refusals that the last `--json` run told."""
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    counts: dict[str, int] = told["studies"]["refused"]
    return counts


def test_a_pacs_a_zip_and_a_folder_give_the_same(site: Site) -> None:
    assert site.ingest("--dicom", str(site.folder / "dicom"), out="folder") == 0
    with zipfile.ZipFile(site.folder / "x.zip", "w") as archive:
        for file in (path for path in (site.folder / "dicom").rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(site.folder))
    assert site.ingest("--dicom", str(site.folder / "x.zip"), out="zip") == 0
    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 0
    assert site.tree() == site.tree("folder") == site.tree("zip")
    assert not (site.folder / "dataset" / ".incoming").exists()
    assert not any(ROOT.encode() in content for content in site.tree().values())


def test_only_what_changed_at_the_pacs_is_fetched_again(site: Site) -> None:
    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 0
        assert site.pacs.retrievals == 2 * STUDIES
        assert site.ingest("--pacs", "small") == 0
        assert site.pacs.retrievals == 2 * STUDIES
        next((site.folder / "dataset" / "images").iterdir()).unlink()
        site.pacs.images = [image for image in site.pacs.images if image.SOPInstanceUID != f"{ROOT}.1.2.12.9"]
        assert site.ingest("--pacs", "small") == 0
    assert site.pacs.retrievals in (2 * STUDIES + 2, 2 * STUDIES + 4)  # study 1 has fewer now, and one lost its image
    assert len(list((site.folder / "dataset" / "images").iterdir())) == STUDIES


def test_a_study_that_the_pacs_gives_to_another_patient_is_fetched_again(site: Site) -> None:
    def patients() -> dict[str, str]:
        lines = map(json.loads, (site.folder / "dataset" / "ingest.jsonl").read_text().splitlines())
        return {line["case"]: line["patient"] for line in lines if line["role"]}

    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 0
        before = patients()
        for image in site.pacs.images:
            if image.StudyInstanceUID == Stack(study=1).study_uid:
                image.PatientID = "CORRECTED"
        assert site.ingest("--pacs", "small") == 0
        assert len(patients()) == len(before) == STUDIES
        assert len(set(patients().values()) - set(before.values())) == 1
        fetched = site.pacs.retrievals
        assert site.ingest("--pacs", "small") == 0
    assert site.pacs.retrievals == fetched


def test_a_series_that_does_not_arrive_whole_refuses_its_study(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.pacs.loses = 1
    with site.pacs.running():
        assert site.ingest("--pacs", "small", "--max-refused", "100%", "--json") == 0
    assert refused(capsys) == {"MISSING_INSTANCES": STUDIES}
    lines = [json.loads(line) for line in (site.folder / "dataset" / "ingest.jsonl").read_text().splitlines()]
    assert {line["detail"] for line in lines} == {"11 instances arrived, the source has 12"}


def test_a_short_series_that_nobody_wants_refuses_itself_alone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.pacs.loses, site.pacs.loses_in = 1, "2.0"  # the sagittal one
    with site.pacs.running():
        assert site.ingest("--pacs", "small", "--json") == 0
    assert refused(capsys) == {}
    lines = [json.loads(line) for line in (site.folder / "dataset" / "ingest.jsonl").read_text().splitlines()]
    assert sorted(line["code"] for line in lines) == ["MISSING_INSTANCES"] * STUDIES + ["USED"] * STUDIES


def test_a_series_of_which_nothing_arrives_refuses_its_study(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.pacs.loses, site.pacs.loses_in = 12, "2.0"
    with site.pacs.running():
        assert site.ingest("--pacs", "small", "--max-refused", "100%", "--json") == 0
    assert refused(capsys) == {"MISSING_INSTANCES": STUDIES}


def test_a_study_that_the_pacs_does_not_know_is_counted(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    write_sheet(
        site.labels,
        [{"study_instance_uid": Stack(study=n).study_uid, "mask": f"masks/{n}.nii.gz"} for n in (1, 2, 99)],
    )
    with site.pacs.running():
        assert site.ingest("--pacs", "small", "--json") == 22
        assert refused(capsys) == {"NOT_AT_SOURCE": 1}
        assert site.ingest("--pacs", "small", "--json", "--max-refused", "1") == 0


def test_a_pacs_that_stops_in_the_middle_loses_and_doubles_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.ingest("--dicom", str(site.folder / "dicom"), out="folder") == 0
    site.pacs.aborts_after, site.pacs.then_gone = 12 * 3, True
    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 25
    told = capsys.readouterr().err
    assert "PACS small must answer" in told
    assert ROOT not in told
    assert "Traceback" not in told
    assert not (site.folder / "dataset" / "datalist.json").exists()
    assert not (site.folder / "dataset" / ".incoming").exists()
    site.pacs.aborts_after, site.pacs.then_gone, site.pacs.retrievals = 1_000_000, False, 0
    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 0
    assert site.pacs.retrievals == 2 * (STUDIES - 1)
    assert site.tree() == site.tree("folder")


def test_wrong_titles_end_with_their_own_code(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.describe(site.pacs.port, "OTHER")
    with site.pacs.running():
        assert site.ingest("--pacs", "small") == 25
    assert "check ae_title and calling_ae_title in [pacs.small]" in capsys.readouterr().err


def test_what_a_killed_run_left_of_a_transfer_is_cleared(site: Site) -> None:
    (site.folder / "dataset" / ".incoming" / "x").mkdir(parents=True)
    (site.folder / "dataset" / ".incoming" / "x" / "000001").write_bytes(b"of another run")
    assert site.ingest("--dicom", str(site.folder / "dicom")) == 0
    assert not (site.folder / "dataset" / ".incoming").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 10),
        (["--dicom", "x", "--pacs", "small"], 10),
        (["--pacs", "other"], 10),
        (["--dicom", "x", "--studies", "y"], 10),
        (["--dicomweb", "https://user:word@pacs/dicom-web"], 10),
        (["--pacs", "small", "--explain", "0" * 16], 10),
        (["--pacs", "small"], 25),  # nobody is there
    ],
)
def test_what_cannot_be_asked_has_its_code(
    site: Site, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.ingest(*arguments) == code
    assert "word" not in capsys.readouterr().err


def test_a_server_needs_names_of_studies(site: Site) -> None:
    with pytest.raises(InputError, match="studies wanted of a server must be named"):
        chosen_source(site.home, pacs="small")


def test_a_list_of_studies_is_read_as_csv_or_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("study_instance_uid,mask\n1.2.3,x\n\n1.2.4,y\n1.2.3,z\n")
    (tmp_path / "b.txt").write_text("1.2.3\n1.2.4\n")
    assert wanted_studies(tmp_path / "a.csv") == wanted_studies(tmp_path / "b.txt") == ["1.2.3", "1.2.4"]


@pytest.mark.parametrize("line", ["*", "1.2.3\\1.2.4", "1.2.?", "Testperson", "1" * 65, "1.2.3/../x"])
def test_a_list_holds_no_wildcard_and_no_name(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"1.2.3\n{line}\n")
    with pytest.raises(InputError, match="in line 2") as caught:
        wanted_studies(tmp_path / "a.txt")
    assert line not in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hidden\n")
    (tmp_path / "password").chmod(0o640)
    with pytest.raises(SiteError, match="must have mode 0600, got 0640"):
        read_secret(tmp_path / "password", "dicomweb.x.password_file")
    (tmp_path / "password").chmod(0o600)
    assert read_secret(tmp_path / "password", "dicomweb.x.password_file") == "hidden"
    for bad in ("", "two\nlines"):
        (tmp_path / "password").write_text(bad)
        with pytest.raises(SiteError, match="must hold one line") as caught:
            read_secret(tmp_path / "password", "dicomweb.x.password_file")
        assert "two" not in str(caught.value)
