"""The way back from a pseudonym: from a folder or a zip, and nothing is left behind."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from samples.dicom_studies import write_study

from fedbundle.cli import main
from fedbundle.dicom.series import scan
from fedbundle.errors import InputError
from fedbundle.site.cases.take import case_of
from fedbundle.site.explain import explain
from fedbundle.site.home import SiteHome


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    """A site home beside a folder with two studies."""
    for study in (1, 2):
        write_study(tmp_path / "dicom", study)
    return SiteHome.create(tmp_path / "site", "hospital-a")


def test_a_zip_is_explained_by_the_folders_in_it(
    home: SiteHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    packed = Path(shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path / "dicom"))
    with zipfile.ZipFile(packed) as archive:
        assert any(entry.is_dir() for entry in archive.infolist())  # folders are entries too, and not counted
    case = case_of(scan(tmp_path / "dicom" / "Testperson_Zebulon_2"), home.key())[0]
    series = [f"Testperson_Zebulon_2/{number}" for number in (1, 2)]
    assert explain(home, tmp_path / "dicom", case) == [tmp_path / "dicom" / each for each in series]
    assert explain(home, packed, case) == [packed / each for each in series]
    with pytest.raises(InputError, match="which is none of them"):
        explain(home, packed, "0" * 16)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_explaining_and_excluding_at_once_is_refused_before_anything_is_read(
    home: SiteHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    command = ["ingest", "--site", str(home.path), "--bundle", "nothing_like_it", "--dicom", str(tmp_path / "nowhere")]
    assert main([*command, "--explain", "0" * 16, "--exclude", str(tmp_path / "no.txt")]) == 10
    assert "--explain must stand without --exclude, got both" in capsys.readouterr().err
    assert main([*command, "--explain", ""]) == 10  # is not taken for an ingest
    assert "--explain must be the 16 hexadecimal digits" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_file_that_is_no_zip_is_refused_as_by_ingest(home: SiteHome, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"none")
    with pytest.raises(InputError, match="--dicom must be a folder or a sound zip"):
        explain(home, tmp_path / "DICOMDIR", "0" * 16)
