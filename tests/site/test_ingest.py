"""A folder of DICOM becomes a dataset: checked, de-identified, split by patient, and safe to interrupt."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from pydicom import dcmread
from samples.dicom_series import BIRTH_DATE, ROOT, STUDY_DATE, Stack
from samples.dicom_studies import write_bundle, write_labels, write_sheet, write_study, zones

from fedbundle.cli import main
from fedbundle.dicom.deid.options import Options
from fedbundle.dicom.pixels.volume import LPS_TO_RAS, Volume
from fedbundle.dicom.series import scan
from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import DatasetError, InputError, ResidualError, TooManyRefusedError
from fedbundle.site.folder import working_in
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import Report, ingest
from fedbundle.site.residual import leaking, needles

CANARIES = (
    "Testperson",
    "Zebulon",
    "Referrer",
    "Quentin",
    "PAT-00",
    "ACC-99123",
    "SID-5150",
    STUDY_DATE,
    BIRTH_DATE,
    ROOT,
)


class Hospital:
    """A site home, a bundle, and a folder of studies with labels."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        self.dicom = folder / "dicom"
        self.folder = folder
        self.dataset = self.home.dataset_dir("prostate_mri_zones")

    def receive(self, studies: range) -> Path:
        """Get studies with masks; the path of labels.csv."""
        for study in studies:
            write_study(self.dicom, study)
        return write_labels(self.folder / "labels", self.dicom, range(1, studies.stop))

    def ingest(
        self, labels: Path | None = None, max_refused: str = "0", keep_dicom: bool = False, compress: bool = True
    ) -> Report:
        """Ingest the folder."""
        return ingest(self.home, str(self.bundle), Folder(self.dicom), labels, None, max_refused, keep_dicom, compress)

    def geometry(self, item: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Affines of image and label."""
        image, label = (nibabel.load(self.dataset / item[key]).affine for key in ("image", "label"))
        return image, label

    def lines(self) -> list[dict[str, Any]]:
        """Lines of ingest.jsonl."""
        return [json.loads(line) for line in (self.dataset / "ingest.jsonl").read_text().splitlines()]

    def datalist(self) -> dict[str, Any]:
        """datalist.json."""
        content: dict[str, Any] = json.loads((self.dataset / "datalist.json").read_text())
        return content


@pytest.fixture
def hospital(tmp_path: Path, repository: Path) -> Hospital:
    """A hospital without images yet."""
    return Hospital(tmp_path, repository)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def items(datalist: dict[str, Any]) -> list[dict[str, Any]]:
    """Items of all sections."""
    return [item for section in ("training", "validation", "test") for item in datalist[section]]


def test_a_study_becomes_image_mask_and_item(hospital: Hospital) -> None:
    report = hospital.ingest(hospital.receive(range(1, 5)))
    assert report.data()["splits"] == {"training": 2, "validation": 1, "test": 1}
    for item in items(hospital.datalist()):
        image, label = (sitk.ReadImage(str(hospital.dataset / item[key])) for key in ("image", "label"))
        for read in ("GetSize", "GetOrigin", "GetDirection", "GetSpacing"):
            assert getattr(image, read)() == getattr(label, read)()
        (series,) = scan(hospital.dicom / "Testperson_Zebulon_1" / "1")
        assert np.array_equal(sitk.GetArrayFromImage(label), zones(Volume.of(series)))
    codes = sorted(line["code"] for line in hospital.lines())
    assert codes == ["USED"] * 4 + ["WRONG_ORIENTATION"] * 4


@pytest.mark.parametrize("keep_dicom", [False, True])
def test_no_identifier_of_the_source_is_in_the_dataset(hospital: Hospital, keep_dicom: bool) -> None:
    hospital.ingest(hospital.receive(range(1, 4)), keep_dicom=keep_dicom)
    written = tree(hospital.dataset)
    assert len(written) == 12 + 36 * keep_dicom
    for name, content in written.items():
        text = name.encode() + (gzip.decompress(content) if name.endswith(".gz") else content)
        assert [canary for canary in CANARIES if canary.encode() in text] == []


def test_kept_dicom_is_a_readable_series_in_the_same_place(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    hospital.ingest(keep_dicom=True)
    (series,) = scan(hospital.dataset / "dicom")
    (source,) = scan(hospital.dicom / "Testperson_Zebulon_1" / "1")
    kept, original = Volume.of(series), Volume.of(source)
    assert np.array_equal(kept.array, original.array)
    assert np.allclose(kept.affine, original.affine)
    assert dcmread(series.files[0]).PatientIdentityRemoved == "YES"


def test_kept_dicom_is_not_lost_by_forgetting_the_option(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest(keep_dicom=True)
    before = tree(hospital.dataset)
    with pytest.raises(InputError, match=r"--keep-dicom must be given again, .* the DICOM of 2 cases"):
        hospital.ingest()
    assert tree(hospital.dataset) == before


def test_bad_studies_are_refused_with_their_code_and_the_rest_is_written(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 6))
    next((hospital.dicom / "Testperson_Zebulon_1" / "1").glob("005")).unlink()
    rows = [
        {"study_instance_uid": Stack(study=study).study_uid, "mask": f"masks/{study}.nii.gz"} for study in (1, 2, 3, 5)
    ]
    mask = sitk.ReadImage(str(hospital.folder / "labels/masks/3.nii.gz"))
    sitk.WriteImage(mask * 9, str(hospital.folder / "labels/masks/3.nii.gz"))
    mask.SetOrigin((0.0, 0.0, 0.0))
    sitk.WriteImage(mask, str(hospital.folder / "labels/masks/5.nii.gz"))
    with pytest.raises(TooManyRefusedError, match="at most 2, got 4 of 5") as caught:
        hospital.ingest(write_sheet(labels, rows), max_refused="2")
    for code in ("1 MISSING_SLICE", "1 LABEL_MISSING", "1 LABEL_VALUES", "1 LABEL_GEOMETRY"):
        assert code in str(caught.value)
    assert len(items(hospital.datalist())) == 1
    assert len(tree(hospital.dataset)) == 6


def test_a_refusal_within_the_budget_is_counted_and_is_no_failure(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 5))
    shutil.rmtree(hospital.dicom / "Testperson_Zebulon_2" / "1")
    report = hospital.ingest(labels, max_refused="25%")
    assert report.data()["studies"] == {
        "offered": 4,
        "used": 3,
        "unchanged": 0,
        "refused": {"WRONG_ORIENTATION": 1},
        "kept": 0,
    }
    assert "refused 1 WRONG_ORIENTATION" in report.text()


def test_a_rebased_study_lies_elsewhere_as_a_whole(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    hospital.ingest(labels)
    before = {item["case"]: hospital.geometry(item) for item in items(hospital.datalist())}
    (hospital.home.path / "site.toml").write_text('name = "hospital-a"\n[deidentify]\nrebase = true\n')
    hospital.home = SiteHome.open(hospital.home.path)
    assert hospital.ingest(labels, keep_dicom=True).data()["studies"]["unchanged"] == 0
    motions = []
    for item in items(hospital.datalist()):
        image, label = hospital.geometry(item)
        assert np.array_equal(image, label)
        kept = Volume.read(sorted((hospital.dataset / "dicom" / item["case"] / "image").iterdir()))
        assert np.allclose(LPS_TO_RAS @ kept.affine, image, atol=1e-3)
        motions.append(image @ np.linalg.inv(before[item["case"]][0]))
        assert np.allclose(motions[-1][:3, :3] @ motions[-1][:3, :3].T, np.eye(3), atol=1e-4)
        assert np.abs(motions[-1] - np.eye(4)).max() > 1
    assert np.abs(motions[0] - motions[1]).max() > 1


def test_options_of_de_identification_stand_in_site_toml(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest(keep_dicom=True)
    chosen = "\n".join(f"{name} = true" for name in vars(Options()) if name != "rebase")
    (hospital.home.path / "site.toml").write_text(f'name = "hospital-a"\n[deidentify]\n{chosen}\n')
    hospital.home = SiteHome.open(hospital.home.path)
    assert hospital.ingest(keep_dicom=True).data()["studies"]["unchanged"] == 0
    kept = [dcmread(file) for file in sorted(hospital.dataset.rglob("*.dcm"))]
    assert {image.LongitudinalTemporalInformationModified for image in kept} == {"MODIFIED"}
    assert all(image.StudyDate > "2100" for image in kept)
    assert not any(
        canary.encode() in file.read_bytes() for file in hospital.dataset.rglob("*.dcm") for canary in CANARIES
    )


def test_running_it_again_changes_no_byte(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 4))
    hospital.ingest(labels)
    before = tree(hospital.dataset)
    image = next((hospital.dataset / "images").iterdir())
    made = image.stat().st_mtime_ns
    assert hospital.ingest(labels).data()["studies"]["unchanged"] == 3
    assert tree(hospital.dataset) == before
    assert image.stat().st_mtime_ns == made


def test_another_compression_replaces_the_files(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    hospital.ingest(labels)
    report = hospital.ingest(labels, compress=False)
    assert report.data()["studies"]["unchanged"] == 0
    written = [file for file in hospital.dataset.rglob("*.nii*") if file.is_file()]
    assert sorted(file.suffix for file in written) == [".nii"] * 4
    assert {hospital.dataset / item[key] for item in items(hospital.datalist()) for key in ("image", "label")} == {
        *written
    }
    assert hospital.ingest(labels, compress=False).data()["studies"]["unchanged"] == 2


def test_a_changed_file_is_made_anew(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    hospital.ingest(labels)
    before = tree(hospital.dataset)
    next((hospital.dataset / "images").iterdir()).write_bytes(b"damaged")
    assert hospital.ingest(labels).data()["studies"]["unchanged"] == 1
    assert tree(hospital.dataset) == before


def test_a_worse_copy_takes_no_case_away(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 4))
    hospital.ingest(labels)
    before = tree(hospital.dataset)
    write_sheet(labels, [{"study_instance_uid": Stack(study=n).study_uid, "mask": f"masks/{n}.nii.gz"} for n in (2, 3)])
    (hospital.dicom / "Testperson_Zebulon_2" / "1" / "005").unlink()
    report = hospital.ingest(labels, max_refused="2")
    assert report.refused == {"LABEL_MISSING": 1, "MISSING_SLICE": 1}
    assert report.kept == 2
    assert "2 of the refused stay in the dataset" in report.text()
    after = tree(hospital.dataset)
    assert {name for name in after | before if after.get(name) != before.get(name)} == {"qc.html"}  # which tells of it


def test_other_rules_take_the_cases_away_that_do_not_fit_them(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    hospital.ingest(labels)
    rules = json.loads((hospital.bundle / "configs" / "ingest.json").read_text())
    rules["inputs"]["image"]["min_slices"] = 99
    (hospital.bundle / "configs" / "ingest.json").write_text(json.dumps(rules))
    assert hospital.ingest(labels, max_refused="2").kept == 0
    assert items(hospital.datalist()) == []


def test_a_file_mended_in_place_is_read_again(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    file = hospital.dicom / "Testperson_Zebulon_1" / "1" / "005"
    good = file.read_bytes()
    file.write_bytes(good[:-64] + bytes(64))
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    hospital.ingest(labels)
    bad = tree(hospital.dataset)
    file.write_bytes(good)
    os.utime(file, ns=times)
    assert hospital.ingest(labels).data()["studies"]["unchanged"] == 1
    assert tree(hospital.dataset) != bad


def test_masks_are_not_forgotten(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    hospital.ingest(labels)
    before = tree(hospital.dataset)
    with pytest.raises(InputError, match="--labels must be given again, since the dataset holds 2 cases with masks"):
        hospital.ingest()
    assert tree(hospital.dataset) == before


def test_cases_without_masks_are_told(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    report = hospital.ingest()
    assert report.data()["masks"] == 0
    assert "2 of 2 have no labels and cannot be trained on" in report.text()


@pytest.mark.parametrize("damage", [b"", b"\0" * 128 + b"DICM" + b"\x02\0\x10\0UI\xff\xff"])
def test_a_slice_of_which_nothing_can_be_read_is_noticed(damage: bytes, hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    slices = scan(hospital.dicom / "Testperson_Zebulon_1" / "1")[0].files
    slices[-1].write_bytes(damage)  # at the end of the stack, where its place tells nothing
    assert hospital.ingest(labels, max_refused="1").refused == {"DAMAGED_FILE": 1}


def test_the_way_back_from_a_pseudonym(hospital: Hospital, capsys: pytest.CaptureFixture[str]) -> None:
    labels = hospital.receive(range(1, 3))
    (hospital.dicom / "Testperson_Zebulon_2" / "1" / "005").unlink()
    hospital.ingest(labels, max_refused="1")
    (case,) = {line["case"] for line in hospital.lines() if line["code"] == "MISSING_SLICE"}
    start = ["ingest", "--site", str(hospital.home.path), "--bundle", str(hospital.bundle), "--dicom"]
    before = tree(hospital.dataset)
    assert main([*start, str(hospital.dicom), "--explain", case]) == 0
    told = capsys.readouterr().out.split()
    assert told == [str(hospital.dicom / "Testperson_Zebulon_2" / series) for series in ("1", "2")]
    assert main([*start, str(hospital.dicom), "--explain", "0" * 16]) == 10
    assert main([*start, str(hospital.dicom), "--explain", "my case"]) == 10
    assert tree(hospital.dataset) == before


def test_over_the_budget_all_counts_are_told(hospital: Hospital, capsys: pytest.CaptureFixture[str]) -> None:
    labels = hospital.receive(range(1, 3))
    (hospital.dicom / "Testperson_Zebulon_2" / "1" / "005").unlink()
    command = ["ingest", "--site", str(hospital.home.path), "--bundle", str(hospital.bundle)]
    command += ["--dicom", str(hospital.dicom), "--labels", str(labels)]
    assert main(command) == 22
    assert "2 studies in 47 files: 1 used" in capsys.readouterr().out
    assert main([*command, "--json"]) == 22
    told = json.loads(capsys.readouterr().out)
    assert told["code"] == 22
    assert told["studies"]["refused"] == {"MISSING_SLICE": 1}


def test_splits_stay_when_studies_are_added(hospital: Hospital) -> None:
    hospital.ingest(hospital.receive(range(1, 7)))
    before = hospital.datalist()
    hospital.ingest(hospital.receive(range(7, 13)))
    after = hospital.datalist()
    for section in ("training", "validation", "test"):
        assert {item["case"] for item in before[section]} <= {item["case"] for item in after[section]}
    assert [len(after[section]) for section in ("training", "validation", "test")] == [6, 2, 4]


def test_two_studies_of_one_patient_are_never_split(hospital: Hospital) -> None:
    for study in range(1, 9):
        write_study(hospital.dicom, study)
        for file in (hospital.dicom / f"Testperson_Zebulon_{study}").rglob("0*"):
            image = dcmread(file)
            image.PatientID = f"PAT-{study // 2:06d}"
            image.save_as(file)
    hospital.ingest()
    datalist = hospital.datalist()
    sections = [{item["patient"] for item in datalist[section]} for section in ("training", "validation", "test")]
    assert sum(len(section) for section in sections) == len(set().union(*sections)) == 5


def test_a_killed_ingest_run_again_neither_doubles_nor_loses_a_case(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 17))
    hospital.ingest(labels)
    undisturbed = tree(hospital.dataset)
    shutil.rmtree(hospital.dataset)
    command = [sys.executable, "-m", "fedbundle.cli", "ingest", "--site", str(hospital.home.path)]
    command += ["--bundle", str(hospital.bundle), "--dicom", str(hospital.dicom), "--labels", str(labels)]
    journal = hospital.dataset / "ingest.jsonl"
    for _ in range(2):
        before = journal.stat().st_size if journal.exists() else 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not journal.exists() or journal.stat().st_size <= before):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (hospital.dataset / "datalist.json").exists()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert tree(hospital.dataset) == undisturbed


def test_an_identifier_that_gets_through_is_found_and_removed(hospital: Hospital) -> None:
    labels = hospital.receive(range(1, 3))
    for file in (hospital.dicom / "Testperson_Zebulon_1").rglob("0*"):
        image = dcmread(file)
        image.PatientID = "10x12x12"  # as the matrix is told in ingest.jsonl
        image.save_as(file)
    with pytest.raises(ResidualError, match="got one in 1 of 2 studies"):
        hospital.ingest(labels)
    assert len(items(hospital.datalist())) == 1
    assert len(tree(hospital.dataset)) == 6
    assert b"10x12x12" not in b"".join(tree(hospital.dataset).values()).replace(b"10x12x12, 0.7x0.9", b"")


def test_a_patient_named_like_a_word_of_ours_is_no_residual(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    for file in hospital.dicom.rglob("0*"):
        image = dcmread(file)
        image.PatientName, image.PatientID = "Skyra^Transverse", "5660"
        image.save_as(file)
    assert hospital.ingest().data()["studies"]["used"] == 1


def test_a_study_of_two_patients_is_refused(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    file = hospital.dicom / "Testperson_Zebulon_1" / "2" / "003"
    image = dcmread(file)
    image.PatientID = "SOMEBODY-ELSE"
    image.save_as(file)
    assert hospital.ingest(max_refused="1").refused == {"MIXED_PATIENTS": 1}


def test_without_dicom_nothing_is_written(hospital: Hospital) -> None:
    hospital.dicom.mkdir()
    (hospital.dicom / "readme.txt").write_text("no DICOM here")
    with pytest.raises(InputError, match="got none in 1 files"):
        hospital.ingest()
    assert not hospital.dataset.exists()


def test_a_folder_of_something_else_is_left_alone(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    hospital.dataset.mkdir(parents=True)
    (hospital.dataset / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="must be a new folder, an empty one or a dataset"):
        hospital.ingest()
    assert [entry.name for entry in hospital.dataset.iterdir()] == ["thesis.txt"]


def test_a_dataset_inside_the_dicom_folder_is_refused(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    with pytest.raises(InputError, match="must lie apart"):
        ingest(hospital.home, str(hospital.bundle), Folder(hospital.dicom), out=hospital.dicom / "dataset")


def test_one_writer_at_a_time(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    with working_in(hospital.dataset), pytest.raises(InputError, match="another ingest"):
        hospital.ingest()


def test_the_command_line_has_its_own_exit_codes(hospital: Hospital, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(hospital.dicom, 1)
    shutil.rmtree(hospital.dicom / "Testperson_Zebulon_1" / "1")
    start = ["ingest", "--site", str(hospital.home.path), "--dicom", str(hospital.dicom), "--bundle"]
    assert main([*start, str(hospital.bundle)]) == 22
    assert main([*start, "not_installed"]) == 10
    assert main([*start, str(hospital.bundle), "--max-refused", "many"]) == 10
    told = capsys.readouterr().err
    assert "Testperson" not in told.replace(str(hospital.folder), "")
    assert "Traceback" not in told


def test_the_real_study(hospital: Hospital, testdata: Callable[[str], Path]) -> None:
    hospital.dicom = testdata("prostate_mr/ProstateX-0000")
    hospital.ingest()
    (item,) = items(hospital.datalist())
    image = sitk.ReadImage(str(hospital.dataset / item["image"]))
    assert image.GetSize() == (384, 384, 19)
    assert image.GetSpacing() == pytest.approx((0.5, 0.5, 3.0), abs=1e-4)
    lines = hospital.lines()
    assert len(lines) == 7
    (used,) = [line for line in lines if line["code"] == "USED"]
    assert "transverse (18 degrees oblique), 384x384x19" in used["detail"]
    written = b"".join(gzip.decompress(c) if n.endswith(".gz") else c for n, c in tree(hospital.dataset).items())
    for series in scan(hospital.dicom):
        for identity in (series.uid, series.study_uid, "ProstateX-0000", "20110707", "t2_tse"):
            assert identity.encode() not in written


@pytest.mark.parametrize(
    ("name", "code"), [("ProstateX-missing-slice", "MISSING_SLICE"), ("philips_single_slice", "TOO_FEW_SLICES")]
)
def test_real_malformed_series(name: str, code: str, hospital: Hospital, testdata: Callable[[str], Path]) -> None:
    hospital.dicom = testdata(f"prostate_mr/{name}")
    with pytest.raises(TooManyRefusedError, match=f"1 of 1 \\(1 {code}\\)"):
        hospital.ingest(max_refused="5%")
    assert [line["code"] for line in hospital.lines()] == [code]
    assert items(hospital.datalist()) == []


def give_to(hospital: Hospital, study: int, patient: str) -> None:
    """Let the PACS correct the PatientID of a study."""
    for file in (hospital.dicom / f"Testperson_Zebulon_{study}").rglob("0*"):
        image = dcmread(file)
        image.PatientID = patient
        image.save_as(file)


def test_a_study_that_is_given_to_another_patient_is_one_case(hospital: Hospital) -> None:
    hospital.receive(range(1, 4))
    hospital.ingest()
    before = {item["case"] for item in items(hospital.datalist())}
    give_to(hospital, 2, "PAT-004712")  # that of study 1
    hospital.ingest()
    after = items(hospital.datalist())
    assert len(after) == 3
    assert len(before - {item["case"] for item in after}) == 1
    assert len({item["patient"] for item in after}) == 2
    assert len(list((hospital.dataset / "images").iterdir())) == 3


def test_a_lost_or_damaged_datalist_changes_no_section(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest()
    hospital.receive(range(3, 7))
    hospital.ingest()
    before = hospital.datalist()
    for content in ('{"bundle": ', "[]", '{"training": []}'):
        (hospital.dataset / "datalist.json").write_text(content)
        with pytest.raises(DatasetError, match="remove this file alone and ingest again, the split is kept"):
            hospital.ingest()
    (hospital.dataset / "datalist.json").unlink()
    hospital.ingest()
    assert hospital.datalist() == before


def test_asking_for_dicom_takes_no_case_away(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest()
    images = tree(hospital.dataset / "images")
    sorted((hospital.dicom / "Testperson_Zebulon_1" / "1").iterdir())[3].write_bytes(b"")
    report = hospital.ingest(max_refused="1", keep_dicom=True)
    assert (report.refused, report.kept) == ({"DAMAGED_FILE": 1}, 1)
    assert tree(hospital.dataset / "images") == images


def test_dicom_whose_folder_was_removed_is_forgotten(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest(keep_dicom=True)
    images = tree(hospital.dataset / "images")
    shutil.rmtree(hospital.dicom / "Testperson_Zebulon_1")
    shutil.rmtree(hospital.dataset / "dicom")
    hospital.ingest()
    assert not any("dicom" in line for line in hospital.lines())
    assert tree(hospital.dataset / "images") == images


def test_a_shorter_copy_does_not_take_the_place_of_a_longer_one(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    hospital.ingest()
    before = tree(hospital.dataset / "images")
    sorted((hospital.dicom / "Testperson_Zebulon_1" / "1").iterdir())[-1].unlink()  # an end, where no gap tells it
    report = hospital.ingest(max_refused="1")
    assert (report.refused, report.kept) == ({"MISSING_INSTANCES": 1}, 1)
    assert tree(hospital.dataset / "images") == before
    for image in (hospital.dataset / "images").iterdir():
        image.unlink()  # a person says that the shorter one is right
    assert hospital.ingest().refused == {}


def test_the_same_image_of_two_patients_is_told(hospital: Hospital) -> None:
    for study in (1, 2, 3):
        write_study(hospital.dicom, study)
    for file in (hospital.dicom / "Testperson_Zebulon_3" / "1").iterdir():
        image = dcmread(file)
        image.PixelData = image.PixelData[2:] + image.PixelData[:2]
        image.save_as(file)
    report = hospital.ingest()
    (warning,) = [warning for warning in report.warnings if "have the same image" in warning]
    assert [outcome.case in warning for outcome in report.outcomes] == [True, True, False]


def test_a_folder_whose_disk_is_not_mounted_begins_no_second_dataset(hospital: Hospital) -> None:
    hospital.receive(range(1, 3))
    hospital.ingest()
    hospital.dataset.rename(hospital.folder / "disk")
    hospital.dataset.mkdir()
    with pytest.raises(InputError, match="mount its disk"):
        hospital.ingest()
    assert list(hospital.dataset.iterdir()) == []
    hospital.dataset.rmdir()
    assert hospital.ingest().warnings == hospital.ingest().warnings  # begun anew


def test_a_patient_stands_in_the_same_section_of_every_dataset(hospital: Hospital) -> None:
    hospital.receive(range(1, 2))
    hospital.ingest()
    hospital.receive(range(2, 9))
    hospital.ingest()
    other = hospital.folder / "other"
    ingest(hospital.home, str(hospital.bundle), Folder(hospital.dicom), out=other)
    assert json.loads((other / "datalist.json").read_text())["patients"] == hospital.datalist()["patients"]


def test_a_bundle_misspelt_in_site_toml_is_told(hospital: Hospital) -> None:
    write_study(hospital.dicom, 1)
    with (hospital.home.path / "site.toml").open("a") as file:
        file.write('[roles.prostate_mri_zone.image]\nprefer = ["a"]\n')
    hospital.home = SiteHome.open(hospital.home.path)
    assert any(warning.startswith("roles.prostate_mri_zone of site.toml") for warning in hospital.ingest().warnings)


def test_a_pseudonym_that_holds_a_date_is_no_date(tmp_path: Path) -> None:
    wanted = needles({"19920406"}, {})
    (tmp_path / "ingest.jsonl").write_text(json.dumps({"case": "b7a19920406bcd01", "sha256": "a19920406b" + 54 * "c"}))
    assert not leaking(tmp_path, [tmp_path / "ingest.jsonl"], wanted)
    (tmp_path / "ingest.jsonl").write_text('{"case": "b7a1cd0199204060", "detail": "born 1992-04-06"}')
    assert leaking(tmp_path, [tmp_path / "ingest.jsonl"], wanted)
