"""Withdrawn consent: a patient goes with every trace of data, does not come back, and the runs are told."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from samples.dicom_series import Stack
from samples.dicom_studies import write_study
from samples.labelled_site import LabelledSite

from fedbundle.cli import main
from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.dicom.series import scan
from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import InputError, OutputError, SiteError
from fedbundle.files import read_json, sha256
from fedbundle.site import exclude as module
from fedbundle.site.cases.take import case_of
from fedbundle.site.dataset import ExaminedDataset, needed_keys
from fedbundle.site.exclude import Exclusion, exclude
from fedbundle.site.folder import JUDGED
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

CORRECTED = "PAT-999999"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> LabelledSite:
    """A site with four ingested studies of three patients: the first two are of one."""
    made = LabelledSite.make(tmp_path_factory.mktemp("hospital"), repository, 4)
    give(made, 2, patient_id(1))
    made.ingest(made.sheet(4))
    return made


@pytest.fixture
def site(ingested: LabelledSite, tmp_path: Path) -> LabelledSite:
    """A copy of it."""
    return ingested.copy(tmp_path / "copy")


def patient_id(study: int) -> str:
    """PatientID of a study's patient."""
    return f"PAT-{4711 + study:06d}"


def give(site: LabelledSite, study: int, patient: str, series: str = "*") -> None:
    """Give a study, or one series of it, to another patient, as when the PACS corrects the PatientID."""
    for file in (site.dicom / f"Testperson_Zebulon_{study}").glob(f"{series}/0*"):
        image = dcmread(file)
        image.PatientID = patient
        image.save_as(file)


def take_out(site: LabelledSite, *entries: str, dicom: Path | None = None) -> Exclusion:
    """Exclude these."""
    listed = site.dicom.parent / "withdrawn.txt"
    listed.write_text("\n".join(entries))
    return exclude(site.home, str(site.bundle), listed, dicom=dicom)


def withdraw(site: LabelledSite, entry: str) -> list[str]:
    """The command that excludes one."""
    listed = site.dicom.parent / "withdrawn.txt"
    listed.write_text(entry)
    return ["ingest", "--site", str(site.home.path), "--bundle", str(site.bundle), "--exclude", str(listed)]


def traces(site: LabelledSite, patient: str, cases: set[str]) -> list[str]:
    """Names of the dataset's files that tell of a patient."""
    dataset = site.home.dataset_dir("prostate_mri_zones")
    files = [path for path in dataset.rglob("*") if path.is_file()]
    words = {patient, *cases}
    return [
        path.name
        for path in files
        if any(word in path.name or (path.suffix != ".gz" and word in path.read_text()) for word in words)
    ]


def run(site: LabelledSite, job: str) -> None:
    """Note a run on the dataset as it is."""
    digest = sha256(site.home.dataset_dir("prostate_mri_zones") / "datalist.json")
    site.home.record_run({"job": job, "bundle": "prostate_mri_zones", "recipe_digest": "d", "dataset": digest})


@pytest.mark.parametrize("way", ["patient id", "study", "patient pseudonym", "case pseudonym"])
def test_a_patient_named_in_any_way_goes_with_all_studies(way: str, site: LabelledSite) -> None:
    patient = pseudonym(site.home.key(), "patient", patient_id(1))
    cases = {item["case"] for item in site.items() if item["patient"] == patient}
    assert len(cases) == 2
    names = {"patient id": patient_id(1), "study": Stack(study=2).study_uid, "patient pseudonym": patient}
    done = take_out(site, names.get(way) or min(cases))
    assert (done.patients, done.cases, sum(done.splits.values())) == (1, 2, 2)
    assert traces(site, patient, cases) == []
    assert len(list((site.home.dataset_dir("prostate_mri_zones") / "images").iterdir())) == 2
    remembered = (site.home.path / "excluded.jsonl").read_text()
    assert patient in remembered and patient_id(1) not in remembered and Stack(study=2).study_uid not in remembered
    again = take_out(site, names.get(way, patient))
    assert (again.patients, again.cases) == (1, 0)
    assert (site.home.path / "excluded.jsonl").read_text() == remembered


def test_what_runs_have_noted_of_files_goes_too(site: LabelledSite) -> None:
    dataset, rules = site.home.dataset_dir("prostate_mri_zones"), read_json(site.bundle / "configs" / "ingest.json")
    examined = ExaminedDataset.of(dataset, needed_keys(rules), ingest_rules=rules)
    assert not examined.found.lost  # what ingest writes keeps the contract
    assert (dataset / JUDGED).is_file()
    take_out(site, patient_id(1))
    assert not (dataset / JUDGED).exists()


def test_a_later_ingest_does_not_bring_them_back(site: LabelledSite) -> None:
    take_out(site, patient_id(1))
    before = site.datalist()
    write_study(site.dicom, 5)
    report = site.ingest(site.sheet(5))
    assert (report.excluded, len(report.outcomes), report.refused) == (2, 3, {})
    assert "2 more are of patients who were taken out" in report.text()
    assert {item["case"] for s in before["shares"] for item in before[s]} < {item["case"] for item in site.items()}
    other = site.dicom.parent / "elsewhere"
    assert ingest(site.home, str(site.bundle), Folder(site.dicom), site.sheet(5), other).excluded == 2


def test_the_runs_that_had_used_them_are_listed(site: LabelledSite) -> None:
    run(site, "first")
    run(site, "first")  # its client was started again
    write_study(site.dicom, 5)
    site.ingest(site.sheet(5))
    run(site, "second")
    site.home.record_run({"job": "older", "bundle": "prostate_mri_zones", "recipe_digest": "d", "dataset": "0" * 64})
    site.home.record_run({"job": "other", "bundle": "balls", "recipe_digest": "d", "dataset": "0" * 64})
    late = take_out(site, patient_id(5))
    assert [entry["job"] for entry in late.runs] == ["second"]
    run(site, "third")
    both = take_out(site, patient_id(1), patient_id(5))
    assert [entry["job"] for entry in both.runs] == ["first", "second", "third"]
    assert [sum(entry["patients"].values()) for entry in both.runs] == [1, 2, 1]
    assert both.unknown_runs == 1
    text = both.text()
    assert "run first of 20" in text and "1 run used a version that versions.jsonl does not know" in text


@pytest.mark.parametrize(("arguments", "code"), [(["--labels", "nowhere.csv"], 10), (["--max-refused", "0"], 22)])
def test_the_runs_are_told_when_the_ingest_that_follows_fails(
    arguments: list[str], code: int, site: LabelledSite, capsys: pytest.CaptureFixture[str]
) -> None:
    run(site, "first")
    next((site.dicom / "Testperson_Zebulon_4" / "1").glob("005")).unlink()
    shutil.rmtree(site.home.dataset_dir("prostate_mri_zones") / "images")  # no case stays as it was
    command = [*withdraw(site, patient_id(3)), "--dicom", str(site.dicom), "--labels", str(site.sheet(3)), *arguments]
    assert main(command) == code
    told = capsys.readouterr().out
    assert told.startswith("1 patient is excluded; 1 case was taken out now") and told.count("run first of 20") == 1
    assert main([*command, "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert (answer["code"], [entry["job"] for entry in answer["exclusion"]["runs"]]) == (code, ["first"])


def test_the_runs_are_told_when_the_ingest_that_follows_is_interrupted(
    site: LabelledSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    run(site, "first")
    monkeypatch.setattr(Folder, "check", ctrl_c)
    command = [*withdraw(site, patient_id(3)), "--dicom", str(site.dicom), "--labels", str(site.sheet(4))]
    assert main(command) == 130
    assert "run first of 20" in capsys.readouterr().out
    assert main([*command, "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["exclusion"]["runs"][0]["job"] == "first"


def test_a_source_that_cannot_be_asked_is_told_before_anybody_is_taken_out(site: LabelledSite) -> None:
    assert main([*withdraw(site, patient_id(3)), "--dicom", str(site.dicom), "--pacs", "main"]) == 10
    assert not (site.home.path / "excluded.jsonl").exists()


def test_naming_nobody_known_changes_nothing_and_says_so(
    site: LabelledSite, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.datalist()
    with pytest.raises(InputError, match=r"nobody known in 2 of 3 entries \(lines 1, 4\)") as caught:
        take_out(site, "PAT-99", patient_id(1), "", "1.2.3.4")
    assert "PAT-99" not in str(caught.value)
    assert site.datalist() == before and not (site.home.path / "excluded.jsonl").exists()
    listed = site.dicom.parent / "withdrawn.txt"
    command = ["ingest", "--site", str(site.home.path), "--bundle", str(site.bundle), "--exclude", str(listed)]
    assert main(command) == 10
    for content in (b"", b"\n\n", b"\xff\xfe\x00"):
        listed.write_bytes(content)
        assert main(command) == 10
    assert main([*command[:-1], str(listed) + "x"]) == 10
    capsys.readouterr()
    listed.write_text(patient_id(3))
    assert main([*command, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["exclusion"]["excluded"] == {"patients": 1, "cases": 1}


def test_a_refusal_list_works_before_the_first_ingest(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 2)
    with pytest.raises(InputError, match=r"nobody known in 1 of 1 entries \(line 1\)"):
        take_out(site, patient_id(2))
    done = take_out(site, patient_id(2), dicom=site.dicom)
    assert (done.patients, done.cases, done.splits) == (1, 0, {})
    assert done.text().startswith("1 patient is excluded; 0 cases were taken out now")
    report = site.ingest(site.sheet(2))
    assert report.excluded == 1 and len(site.items()) == 1
    told = report.text()
    assert "1 study in 48 files: 1 used" in told and "of 1 patient, each" in told
    assert "1 more is of a patient who was taken out" in told and "0 files are no DICOM images, 0 are empty" in told


def test_a_refusal_list_may_name_studies_of_a_zip(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path / "hospital", repository, 3)
    sheet = site.sheet(3)
    packed = Path(shutil.make_archive(str(tmp_path / "export"), "zip", site.dicom))
    (tmp_path / "withdrawn.txt").write_text(f"{patient_id(1)}\n{Stack(study=2).study_uid}\n")
    command = ["ingest", "--site", str(site.home.path), "--bundle", str(site.bundle), "--dicom", str(packed)]
    assert main([*command, "--labels", str(sheet), "--exclude", str(tmp_path / "withdrawn.txt")]) == 0
    assert [item["case"] for item in site.items()] == [
        case_of(scan(site.dicom / "Testperson_Zebulon_3"), site.home.key())[0]
    ]
    take_out(site, patient_id(3), dicom=packed)
    assert site.items() == []


def test_an_interrupted_exclusion_is_completed_by_the_next_ingest(
    site: LabelledSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "rebuild", full)
        with pytest.raises(OutputError):
            take_out(site, Stack(study=2).study_uid)
    assert len(site.items()) == 4
    site.ingest(site.sheet(4))
    assert len(site.items()) == 2
    assert take_out(site, Stack(study=2).study_uid).cases == 0  # known still, by the study


def test_pictures_of_them_go_and_other_datasets_are_told(site: LabelledSite) -> None:
    dataset = site.home.dataset_dir("prostate_mri_zones")
    (dataset / "qc.html").write_text("pictures")
    other = site.home.dataset_dir("brain_mri_anomaly")
    other.mkdir(parents=True)
    (other / "datalist.json").write_text((dataset / "datalist.json").read_text())
    done = take_out(site, patient_id(3))
    assert not (dataset / "qc.html").exists()
    assert done.elsewhere == ("brain_mri_anomaly",)
    assert len(read_json(other / "datalist.json")["patients"]) == 3


def test_damaged_records_of_the_site_are_told(site: LabelledSite) -> None:
    for name, line in {"versions.jsonl": "{}", "excluded.jsonl": "[]", "runs.jsonl": "x"}.items():
        path = site.home.path / name
        kept = path.read_text() if path.exists() else None
        path.write_text(f"{line}\n")
        with pytest.raises(SiteError, match=f"{name}.*restore it"):
            take_out(site, patient_id(3))
        if kept is None:
            path.unlink()
        else:
            path.write_text(kept)
    assert SiteHome.open(site.home.path).name == "hospital-a"


def test_a_study_that_is_given_to_another_patient_stays_out(site: LabelledSite) -> None:
    take_out(site, patient_id(3))
    give(site, 3, CORRECTED)
    report = site.ingest(site.sheet(4))
    assert report.excluded == 1
    assert len(site.items()) == 3
    assert "1 of the studies that were taken out came under another patient id" in report.text()


@pytest.mark.parametrize(("entry", "not_named"), [(Stack(study=3).study_uid, 0), ("PAT-004714", 1), ("PAT-999999", 1)])
def test_all_patients_of_a_study_go_whichever_is_named(entry: str, not_named: int, site: LabelledSite) -> None:
    give(site, 3, CORRECTED)
    write_study(site.dicom, 5)
    give(site, 5, CORRECTED)
    done = take_out(site, entry, dicom=site.dicom)
    assert (done.patients, done.shared, done.cases) == (2, not_named, 1)
    assert (f"  {not_named} is not on the list" in done.text()) == bool(not_named)
    remembered = [json.loads(line) for line in (site.home.path / "excluded.jsonl").read_text().splitlines()]
    key = site.home.key()
    assert {line["patient"] for line in remembered} == {
        pseudonym(key, "patient", p) for p in (patient_id(3), CORRECTED)
    }
    for owner in (CORRECTED, patient_id(3), "PAT-888888"):
        give(site, 3, owner)
        assert site.ingest(site.sheet(5)).excluded == 2
        assert len(site.items()) == 3


def test_a_patient_whose_study_was_given_away_since_is_found_by_the_earlier_id(site: LabelledSite) -> None:
    give(site, 3, CORRECTED)
    assert site.ingest(site.sheet(4)).excluded == 0
    before = site.lines()[0]["rules"]
    image = read_json(site.bundle / "configs" / "ingest.json")["inputs"]["image"]
    site.change_rules(inputs={"image": image | {"min_slices": 9}})  # all cases are made anew
    site.ingest(site.sheet(4))
    assert site.lines()[0]["rules"] != before
    done = take_out(site, patient_id(3))
    assert (done.patients, done.shared, done.cases, len(site.items())) == (2, 1, 1, 3)


def test_a_study_that_an_ingest_passed_over_stays_out_under_every_patient(site: LabelledSite) -> None:
    take_out(site, patient_id(3))
    write_study(site.dicom, 5)
    for owner in (patient_id(3), CORRECTED):
        give(site, 5, owner)
        assert site.ingest(site.sheet(5)).excluded == 2
    assert len(site.items()) == 3


def test_a_study_goes_from_every_dataset_whatever_patient_it_has_there(site: LabelledSite) -> None:
    other, bundle, sheet = site.dicom.parent / "elsewhere", str(site.bundle), site.sheet(4)
    give(site, 3, CORRECTED)
    ingest(site.home, bundle, Folder(site.dicom), sheet, other)
    take_out(site, patient_id(3))
    again = ingest(site.home, bundle, Folder(site.dicom), sheet, other)
    assert (again.excluded, sum(again.splits.values())) == (1, 3)


def test_any_patient_of_a_mixed_study_takes_it_out(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 2)
    give(site, 2, CORRECTED, series="2")
    assert take_out(site, CORRECTED, dicom=site.dicom).patients == 2
    assert site.ingest(site.sheet(2)).excluded == 1
