"""--labels: the CSV may name DICOM objects, or a folder of them is matched by study and series."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from samples.dicom_series import Stack
from samples.dicom_studies import zones
from samples.label_objects import circle, write_rtstruct
from samples.labelled_site import ZONES, LabelledSite

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import InputError, SiteError
from fedbundle.files import read_json
from fedbundle.site.labels.source import read_labels


def test_a_folder_of_objects_is_matched_by_study_and_series(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 4)
    site.seg("a", 1)
    site.seg("b", 1, number=2)  # of the sagittal series: not chosen
    site.seg("c", 3, number=2)
    image = Volume.of(site.series(4))
    contours = {name: [circle(image, 5, (3 + 2 * value, 5), 0.8)] for name, value in ZONES.items()}
    write_rtstruct(site.labels / "d.dcm", site.series(4), contours)
    (site.labels / "readme").write_text("no DICOM")
    (site.labels / "cut").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    report = site.ingest(site.labels)
    assert report.refused == {"LABEL_MISSING": 1, "LABEL_REFERENCE": 1}
    assert report.masks == 2
    assert report.warnings[0] == "1 file below --labels is empty or damaged"
    dataset = site.home.dataset_dir("prostate_mri_zones")
    masks = [sitk.GetArrayFromImage(sitk.ReadImage(str(dataset / item["label"]))) for item in site.items()]
    assert any(np.array_equal(mask, zones(image)) for mask in masks)
    assert site.ingest(site.labels).data()["studies"]["unchanged"] == 2


def test_two_objects_of_one_series_need_a_sheet_that_names_one(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 1)
    site.seg("a.dcm", 1)
    site.seg("b.dcm", 1)
    assert site.ingest(site.labels).refused == {"LABEL_REFERENCE": 1}
    sheet = tmp_path / "labels.csv"
    sheet.write_text(f"study_instance_uid,mask\n{Stack(study=1).study_uid},labels/b.dcm\n")
    assert site.ingest(sheet).refused == {}


def test_a_folder_without_objects_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    with pytest.raises(InputError, match="got none in 1 file;"):
        read_labels(tmp_path, {"inputs": {}})


def test_a_table_comes_into_the_datalist_and_a_wrong_row_costs_its_study(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 3)
    columns = {
        "gleason": {"type": "category", "values": {"0": "none", "1": "high"}},
        "psa": {"type": "number", "min": 0, "max": 5000, "unit": "ng/ml", "missing": True},
    }
    rules = read_json(site.bundle / "configs" / "ingest.json")
    rules.pop("label")
    (site.bundle / "configs" / "ingest.json").write_text(json.dumps(rules | {"table": {"columns": columns}}))
    rows = [f"{Stack(study=study).study_uid},{row}" for study, row in ((1, "high,"), (2, "Testperson,4"), (3, "0,3.5"))]
    sheet = tmp_path / "labels.csv"
    sheet.write_text("\n".join(["study_instance_uid,gleason,psa", *rows]))
    report = site.ingest(sheet)
    assert report.refused == {"LABEL_VALUES": 1}
    assert sorted((item["gleason"], item["psa"]) for item in site.items() if item["psa"]) == [(0, 3.5)]
    assert [item["psa"] for item in site.items() if item["gleason"] == 1] == [None]
    details = {line["detail"] for line in site.lines() if line["code"] == "LABEL_VALUES"}
    assert details == {'line 3 of the labels: gleason must be 0 ("none") or 1 ("high")'}
    assert site.ingest(sheet).data()["studies"]["unchanged"] == 2
    sheet.write_text(sheet.read_text().replace("high,", "high,7"))
    assert site.ingest(sheet).data()["studies"]["unchanged"] == 1
    assert [item["psa"] for item in site.items() if item["gleason"] == 1] == [7.0]


def test_sides_become_items_of_one_case(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 1)
    site.seg("a.dcm", 1)
    columns = {"fracture": {"type": "event", "values": {"0": "no", "1": "yes"}}}
    site.change_rules(table={"per": "side", "columns": columns})
    sheet = tmp_path / "labels.csv"
    uid = Stack(study=1).study_uid
    rows = (f"{uid},labels/a.dcm,left,1", f"{uid},labels/a.dcm,right,0")
    sheet.write_text("\n".join(("study_instance_uid,mask,laterality,fracture", *rows)))
    report = site.ingest(sheet)
    assert [(item["laterality"], item["fracture"]) for item in site.items()] == [("L", 1), ("R", 0)]
    assert len({item["case"] for item in site.items()}) == 1 == sum(report.splits.values())
    with pytest.raises(InputError, match="CSV for a bundle with a table"):
        site.ingest(site.labels)


def test_a_hospital_names_structures_in_its_own_way(tmp_path: Path, repository: Path) -> None:
    site = LabelledSite.make(tmp_path, repository, 1)
    image = Volume.of(site.series(1))
    contours = {name: [circle(image, 5, (3 + 2 * n, 5), 0.8)] for n, name in enumerate(("Übergang", "PZ"), start=1)}
    write_rtstruct(site.labels / "d.dcm", site.series(1), contours)
    assert site.ingest(site.labels).refused == {"LABEL_VALUES": 1}
    settings = site.home.path / "site.toml"
    settings.write_text(settings.read_text() + '[structures.prostate_mri_zones]\n1 = ["übergang"]\n', encoding="utf-8")
    site = LabelledSite(tmp_path)
    assert site.ingest(site.labels).refused == {}
    for line, rule in {'7 = ["x"]': "values of the label set", '1 = "x"': "must hold lines like"}.items():
        settings.write_text(f'name = "hospital-a"\n[structures.prostate_mri_zones]\n{line}\n')
        with pytest.raises(SiteError, match=rule):
            LabelledSite(tmp_path).ingest(site.labels)
