"""A study is used without an optional role, and what was meant for the role is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from samples.anatomy import rigid
from samples.quantity_site import QuantitySite

from fedbundle.bundle.layout import Bundle
from fedbundle.files import read_json
from fedbundle.site.dataset import needed_keys

STILL = rigid((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


@pytest.fixture
def site(tmp_path: Path, repository: Path) -> QuantitySite:
    """A bundle that wants a T2 and, where there is one, a PET."""
    made = QuantitySite(tmp_path, repository, ("pet",))
    path = made.bundle / "configs" / "ingest.json"
    rules = read_json(path)
    rules["inputs"]["pet"]["optional"] = True
    path.write_text(json.dumps(rules))
    made.t2()
    return made


def items(site: QuantitySite) -> list[dict[str, Any]]:
    listed = read_json(site.dataset / "datalist.json")
    return [item for section in ("training", "validation", "test") for item in listed[section]]


def test_a_pet_that_comes_later_joins_the_case(site: QuantitySite) -> None:
    report = site.ingest()
    assert (report.refused, [each for each in report.warnings if "pet" in each]) == ({}, [])
    (item,) = items(site)
    assert "pet" not in item
    assert needed_keys(Bundle.open(site.bundle).ingest_rules) <= item.keys()
    assert site.ingest().data()["studies"]["unchanged"] == 1
    site.pet(STILL, None)
    assert site.ingest().refused == {}
    assert (site.dataset / items(site)[0]["pet"]).is_file()
    assert "grey values of pet" in (site.dataset / "qc.html").read_text()


@pytest.mark.parametrize(("weight", "shift", "code"), [(0, 0, "NO_SUV"), (75, 400, "NO_OVERLAP")])
def test_a_pet_that_cannot_be_used_is_told(site: QuantitySite, weight: int, shift: int, code: str) -> None:
    for image in site.pet(STILL, None, PatientWeight=weight):
        position = [float(mm) for mm in image.ImagePositionPatient]
        image.ImagePositionPatient = [*position[:2], position[2] + shift]
        image.save_as(site.dicom / "2" / f"{image.InstanceNumber - 1:03d}", enforce_file_format=True)
    report = site.ingest()
    assert report.refused == {}
    assert f"1 study has a pet that cannot be used and is taken without it: 1 {code}" in report.warnings
    line = site.lines()[50]
    assert (line["decision"], line["role"], line["code"], line["meant_for"]) == ("refused", "", code, "pet")
    assert "pet" not in items(site)[0]
    again = site.ingest()
    assert (again.data()["studies"]["unchanged"], again.warnings) == (1, report.warnings)
