"""Cases that were made under other settings and are not offered again: told, and no run uses them."""

import json
import shutil
from pathlib import Path

import pytest
from samples.deface_program import FRONT, write_deface_program
from samples.dicom_series import Stack
from samples.dicom_studies import write_bundle, write_labels, write_study

from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import DatasetError
from fedbundle.files import read_json
from fedbundle.site.cases.outdated import Outdated
from fedbundle.site.dataset import check_dataset
from fedbundle.site.doctor import examine_site
from fedbundle.site.exclude import exclude
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest
from fedbundle.site.journal import Line, read_cases, used
from fedbundle.site.present import workplace_now
from fedbundle.site.report import Report
from fedbundle.site.store import install

NAME = "prostate_mri_zones"
OTHERWISE = "de-identified otherwise than site.toml says now"


class Hospital:
    """Two patients who came first, and two who came later, in a folder of their own."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        self.folder, self.first, self.later = folder, folder / "first", folder / "later"
        for study in (1, 2):
            write_study(self.first, study)
            write_study(self.later, study + 2)
        self.dataset = self.home.dataset_dir(NAME)
        self.rules()

    def rules(self, **role: object) -> None:
        """Change what the bundle wants of its only role, and install it."""
        path = self.bundle / "configs" / "ingest.json"
        rules = read_json(path)
        rules["inputs"]["image"] |= role
        path.write_text(json.dumps(rules))
        install(self.home, self.bundle)

    def set(self, **options: object) -> None:
        """Write `[deidentify]` of site.toml."""
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
        (self.home.path / "site.toml").write_text(f'name = "hospital-a"\n[deidentify]\n{lines}')
        self.home = SiteHome.open(self.home.path)

    def ingest(self, source: Path, keep_dicom: bool = False, labels: Path | None = None) -> Report:
        return ingest(self.home, NAME, Folder(source), labels, max_refused="100%", keep_dicom=keep_dicom)

    def cases(self) -> dict[str, list[Line]]:
        """Lines of the cases in the dataset."""
        return {case: lines for case, lines in read_cases(self.dataset / "ingest.jsonl").items() if used(lines)}

    def unfit(self) -> list[str]:
        """What the datalist says."""
        listed: list[str] = read_json(self.dataset / "datalist.json").get("unfit", [])
        return listed

    def outdated(self) -> Outdated:
        rules = read_json(self.bundle / "configs" / "ingest.json")
        return Outdated.of(self.cases(), workplace_now(self.home, NAME, rules, self.dataset))

    def doctor(self) -> tuple[bool, str]:
        """What doctor says of the dataset."""
        (found,) = (finding for finding in examine_site(self.home) if finding.subject == f"dataset {NAME}")
        return found.ok, found.message


@pytest.fixture
def hospital(tmp_path: Path, repository: Path) -> Hospital:
    return Hospital(tmp_path, repository)


def test_a_dataset_that_is_rebased_in_part_is_not_declared_fit(hospital: Hospital) -> None:
    hospital.ingest(hospital.first)
    old = sorted(hospital.cases())
    hospital.set(rebase=True)
    assert hospital.outdated().privacy == tuple(old)
    with pytest.raises(DatasetError, match=r"got 2 made under other settings of \[deidentify\]") as raised:
        hospital.ingest(hospital.later)
    assert f"warning: {OTHERWISE}: 2 of 4 cases; no run uses this dataset" in raised.value.summary
    assert any(OTHERWISE in warning for warning in raised.value.data["warnings"])
    page = (hospital.dataset / "qc.html").read_text(encoding="utf-8")
    assert f'<p class="verdict look">{OTHERWISE.capitalize()}: 2 of 4 cases' in page
    assert (len(hospital.cases()), hospital.unfit()) == (4, old)
    ok, told = hospital.doctor()
    assert not ok
    assert "must be de-identified as site.toml says, got 2 made under other settings" in told
    with pytest.raises(DatasetError, match=r"as site\.toml says, got <5 made under other settings"):
        check_dataset(hospital.dataset, 1.0, min_cell=5)  # as a run meets it
    html = (hospital.dataset / "qc.html").read_text()
    assert html.count(", rebased</span>") == 2
    assert "Not so of those that are marked as rebased" in html
    report = hospital.ingest(hospital.first)
    assert (report.warnings, hospital.unfit(), hospital.outdated().privacy) == ((), [], ())
    assert "Geometry was rebased, so the edges" in (hospital.dataset / "qc.html").read_text()


def test_settings_that_changed_after_the_last_ingest_are_found_by_doctor(hospital: Hospital) -> None:
    for study in range(3, 11):
        write_study(hospital.first, study)
    hospital.ingest(hospital.first, labels=write_labels(hospital.folder / "labels", hospital.first, range(1, 11)))
    ok, told = hospital.doctor()
    assert ok, told
    hospital.set(rebase=True)
    ok, told = hospital.doctor()
    assert (ok, "got 10 made under other settings" in told) == (False, True)
    hospital.set()
    hospital.rules(min_slices=5)
    ok, told = hospital.doctor()
    assert (ok, "by the rules that bundle and site have now, got 10 of 10" in told) == (False, True)


def test_who_is_excluded_is_unfit_no_more_and_the_others_stay_so(hospital: Hospital, tmp_path: Path) -> None:
    hospital.ingest(hospital.first)
    hospital.set(rebase=True)
    with pytest.raises(DatasetError):
        hospital.ingest(hospital.later)
    for study, left in ((3, 2), (1, 1), (2, 0)):
        (tmp_path / "out.txt").write_text(Stack(study=study).study_uid)
        exclude(hospital.home, NAME, tmp_path / "out.txt")
        assert len(hospital.unfit()) == left
    assert not any(OTHERWISE in warning for warning in hospital.ingest(hospital.later).warnings)


def test_faces_that_an_earlier_run_left_are_not_passed_over(hospital: Hospital) -> None:
    hospital.rules(deface=True)
    hospital.ingest(hospital.first)
    hospital.set(deface_command=write_deface_program(hospital.folder))
    with pytest.raises(DatasetError, match="got 2 made under other settings"):
        hospital.ingest(hospital.later)
    hospital.ingest(hospital.first)
    assert hospital.unfit() == []
    write_deface_program(hospital.folder, FRONT.replace("// 4", "// 5"))
    with pytest.raises(DatasetError, match="got 2 made under other settings"):
        hospital.ingest(hospital.later)


def test_where_doctor_is_run_does_not_change_the_program(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital.rules(deface=True)
    hospital.set(deface_command=["false", "{input}", "{output}", "mask"])
    told = []
    for place in ("here", "there"):
        (hospital.folder / place).mkdir()
        for name in ("false", "mask"):
            (hospital.folder / place / name).write_text(place)
        monkeypatch.chdir(hospital.folder / place)
        rules = read_json(hospital.bundle / "configs" / "ingest.json")
        told.append(workplace_now(hospital.home, NAME, rules, hospital.dataset).privacy)
    assert told[0] == told[1]
    assert told[0]["deface"]


def test_a_study_that_is_refused_now_does_not_keep_its_face(hospital: Hospital) -> None:
    hospital.rules(deface=True)
    hospital.ingest(hospital.first)
    hospital.set(deface_command=["false", "{input}", "{output}"])
    report = hospital.ingest(hospital.first)
    assert (report.refused, report.kept) == ({"NOT_DEFACED": 2}, 0)
    assert hospital.cases() == {}
    assert not list((hospital.dataset / "images").iterdir())


def test_options_of_kept_dicom_bear_on_kept_dicom_only(hospital: Hospital) -> None:
    hospital.ingest(hospital.first)
    hospital.set(retain_device_identity=True)
    assert hospital.outdated().privacy == ()
    hospital.ingest(hospital.later)
    hospital.ingest(hospital.first, keep_dicom=True)
    hospital.set()
    with pytest.raises(DatasetError, match="got 2 made under other settings"):
        hospital.ingest(hospital.later, keep_dicom=True)
    shutil.rmtree(hospital.dataset / "dicom")
    hospital.ingest(hospital.later)
    assert hospital.unfit() == []


def test_other_rules_are_told(hospital: Hospital) -> None:
    hospital.ingest(hospital.first)
    hospital.rules(min_slices=5)
    other = "made by other rules than those of bundle and site now: 2 of 4 cases; ingest them again"
    assert any(warning.startswith(other) for warning in hospital.ingest(hospital.later).warnings)
    assert hospital.unfit() == []


def test_a_journal_from_before_opens_and_its_settings_are_unknown(hospital: Hospital) -> None:
    hospital.ingest(hospital.first)
    journal = hospital.dataset / "ingest.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        line.pop("privacy", None)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = hospital.ingest(hospital.later)
    assert any(told.startswith("made before it was noted how: 2 of 4 cases") for told in report.warnings)
    assert (hospital.outdated().privacy, len(hospital.outdated().unknown), hospital.unfit()) == ((), 2, [])
    assert (hospital.dataset / "qc.html").read_text().count(", perhaps rebased</span>") == 2
    shutil.rmtree(hospital.later)
    assert len(hospital.ingest(hospital.first).outcomes) == 2


def test_a_face_that_the_journal_from_before_tells_of_is_known(hospital: Hospital) -> None:
    hospital.rules(deface=True)
    hospital.ingest(hospital.first)
    cases = hospital.cases()
    for lines in cases.values():
        for line in lines:
            line.pop("privacy", None)
    assert (hospital.outdated().privacy, len(cases)) == ((), 2)
    rules = read_json(hospital.bundle / "configs" / "ingest.json")
    hospital.set(deface_command=["true", "{input}", "{output}"])
    place = workplace_now(hospital.home, NAME, rules, hospital.dataset)
    assert Outdated.of(cases, place).privacy == tuple(sorted(cases))
