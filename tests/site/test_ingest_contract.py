"""Ingest writes nothing that breaks the bundle's data contract."""

from pathlib import Path
from typing import Any

import pytest
from samples.quantity_site import QuantitySite

from fedbundle.files import read_json, write_json


@pytest.fixture
def site(tmp_path: Path, repository: Path) -> QuantitySite:
    """A study of T2 and ADC map, 1200 x 1e-6 mm2/s everywhere."""
    made = QuantitySite(tmp_path, repository, ("adc",))
    made.t2()
    made.adc(1.0)
    return made


def declare(site: QuantitySite, role: str, **rules: Any) -> None:
    """Add rules to a role of the bundle."""
    path = site.bundle / "configs" / "ingest.json"
    content = read_json(path)
    content["inputs"][role] |= rules
    write_json(path, content)


@pytest.mark.parametrize(
    ("role", "contract", "code", "detail"),
    [
        ("adc", {"values": {"min": 0, "max": 1000}}, "VALUE_RANGE", "adc: values 0 to 1200, wanted 0 to 1000"),
        ("adc", {"spacing_mm": {"max": 2.5}}, "WRONG_SPACING", "adc: slices 3 mm apart, wanted at most 2.5"),
        ("t2_transverse", {"spacing_mm": {"min": 2.1}}, "WRONG_SPACING", "columns 2 mm apart, wanted at least 2.1"),
    ],
)
def test_a_volume_outside_the_contract_costs_the_study(
    role: str, contract: dict[str, Any], code: str, detail: str, site: QuantitySite
) -> None:
    declare(site, role, contract=contract)
    report = site.ingest()
    assert report.refused == {code: 1}
    assert f"refused 1 {code}" in report.text()
    assert {line["code"] for line in site.lines().values()} == {code}
    assert all(detail in line["detail"] for line in site.lines().values())
    assert not list((site.dataset / "images").glob("*"))
    assert detail in (site.dataset / "qc.html").read_text(encoding="utf-8")


def test_a_volume_within_the_contract_is_written_and_a_stricter_one_judges_it_anew(site: QuantitySite) -> None:
    declare(site, "adc", contract={"spacing_mm": {"max": 3}, "values": {"min": 0, "max": 1200}})
    assert not site.ingest().refused
    declare(site, "adc", contract={"values": {"max": 900}})
    assert site.ingest().refused == {"VALUE_RANGE": 1}
    assert not list((site.dataset / "images").glob("*"))


def test_an_optional_volume_outside_the_contract_is_left_out(site: QuantitySite) -> None:
    declare(site, "adc", contract={"values": {"max": 900}}, optional=True)
    report = site.ingest()
    assert not report.refused
    assert [path.name[17:] for path in (site.dataset / "images").glob("*")] == ["t2_transverse.nii.gz"]
    assert "1 VALUE_RANGE" in report.text()
