"""The scanner finds what is left, wherever it is left, and cries no wolf."""

import base64
import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import Dataset
from samples.oblique_series import oblique_series

from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals


@pytest.fixture
def names() -> set[str]:
    return identifiers(oblique_series(1)[0])


def volume(path: Path, description: str = "") -> Path:
    voxels = np.random.default_rng(0).normal(500, 200, (64, 64, 20)).astype(np.float32)
    image = nib.Nifti1Image(voxels, np.eye(4))
    image.header["descrip"] = description
    nib.save(image, path)
    return path


def test_identifiers_are_names_ids_dates_and_uids_at_every_depth() -> None:
    header, item = oblique_series(1)[0], Dataset()
    item.OperatorsName, item.PerformedProcedureStepStartDate = "Nachtigall^Eva=夜鳴鳥", "20190513"
    header.RequestAttributesSequence = [item]
    found = identifiers(header)
    assert {"Quillfeather^Jörg", "Quillfeather", "Jörg", "MRN-445566", "ACC7755331", "20190514", "19480302"} < found
    assert {"Nachtigall", "Eva", "夜鳴鳥", "20190513", header.SeriesInstanceUID} < found
    assert header.SOPClassUID not in found and "SIEMENS" not in found and "PROSTATE" not in found


@pytest.mark.parametrize(
    "text",
    [
        "see Quillfeather",
        "QUILLFEATHER",
        "quillfeather_t2",
        "x2019-05-14T10",
        "14.05.2019",
        "id:MRN-445566",
        json.dumps({"who": "Jörg"}),
        "JÖRG",
    ],
)
def test_text_that_tells_is_found(tmp_path: Path, names: set[str], text: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_text(text, encoding="utf-8")
    assert residuals(tmp_path, names) == ["text or header of sub/a.json"]


def test_headers_voxels_packed_pictures_and_names_of_files_are_searched(tmp_path: Path, names: set[str]) -> None:
    volume(tmp_path / "header.nii.gz", "Quillfeather")
    raw = bytearray(gzip.decompress(volume(tmp_path / "voxels.nii.gz").read_bytes()))
    raw[5000:5010] = b"ACC7755331"
    (tmp_path / "voxels.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    with gzip.GzipFile(tmp_path / "Quillfeather.nii.gz", "wb") as stream:  # gzip keeps the name inside, too
        stream.write(b"nothing")
    (tmp_path / "Quillfeather.nii.gz").rename(tmp_path / "inside.gz")
    picture = base64.b64encode(b"\0\0MRN-445566\0").decode()
    (tmp_path / "page.html").write_text(f'<img src="data:image/png;base64,{picture}">', encoding="utf-8")
    (tmp_path / "20190514").mkdir()
    found = residuals(tmp_path, names)
    assert found == [
        "name of an entry in folder .",
        "text or header of header.nii.gz",
        "gzip header of inside.gz",
        "embedded picture of page.html",
        "voxels of voxels.nii.gz",
    ]


def test_a_finding_does_not_repeat_the_identifier(tmp_path: Path, names: set[str]) -> None:
    (tmp_path / "Quillfeather").mkdir()
    (tmp_path / "Quillfeather" / "a.txt").write_text("MRN-445566", encoding="utf-8")
    found = residuals(tmp_path, names)
    assert found == ["name of an entry in folder .", "text or header of (name withheld)/a.txt"]


def test_a_sound_dataset_raises_no_alarm(tmp_path: Path) -> None:
    """Many patients with short, common and digit names against volumes of noise, digests and our own words."""
    names: set[str] = set()
    for number in range(60):
        header = oblique_series(1, seed=str(number))[0]
        header.PatientName = ["Lee^Max", "Kim^Ann", "Test^Label", "Li^Wu", "Case^True"][number % 5]
        header.PatientID, header.StudyID = f"{1000 + 137 * number}", str(number)
        names |= identifiers(header)
    for number in range(4):
        volume(tmp_path / f"{number:016x}_image.nii.gz")
    rows = [{"case": f"{number * 2654435761:016x}", "label": "max", "split": "test"} for number in range(300)]
    (tmp_path / "datalist.json").write_text(json.dumps(rows), encoding="utf-8")
    assert residuals(tmp_path, names) == []
    (tmp_path / "note.txt").write_text("of Kim", encoding="utf-8")
    assert residuals(tmp_path, names) == ["text or header of note.txt"]


def test_a_damaged_gzip_counts_as_a_finding(tmp_path: Path, names: set[str]) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    assert residuals(tmp_path, names) == ["damaged gzip, which cannot be checked, of a.nii.gz"]
