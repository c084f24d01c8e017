"""Risks of each side: a curve with its spread in SR, page and numbers; missing factors are told, no class is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from pydicom import dcmread
from samples.classification_bundle import write_film
from samples.judges import dciodvfy, dcmqi_groups

from fedbundle.bundle.layout import Bundle
from fedbundle.cli import main
from fedbundle.clinic.factors import read_factors
from fedbundle.clinic.findings import Target
from fedbundle.clinic.risk import Risk
from fedbundle.clinic.study import Study, read_study
from fedbundle.dicom.seg.dicom_out import RiskOut, read_dicom_out
from fedbundle.dicom.seg.write import Model
from fedbundle.errors import InputError, PredictionError
from fedbundle.files import write_json
from fedbundle.phantom.hip_radiograph_risk import write_patient

NAME = "hip_radiograph_risk"
YEARS = list(range(11))
CURVE: dict[str, Any] = {
    "years": YEARS,
    "risk": [0.02 * year for year in YEARS],
    "low": [0.01 * year for year in YEARS],
    "high": [0.03 * year for year in YEARS],
    "missing": ["bmd_t_score"],
}


@pytest.fixture(scope="module")
def bundle(repository: Path) -> Bundle:
    return Bundle.open(repository / "bundles" / NAME)


@pytest.fixture
def wanted(bundle: Bundle) -> RiskOut:
    found = read_dicom_out(bundle.root)
    assert isinstance(found, RiskOut)
    return found


@pytest.fixture
def study(bundle: Bundle, tmp_path: Path) -> Study:
    (tmp_path / "scratch").mkdir()
    return read_study(write_film(tmp_path / "study"), bundle, tmp_path / "scratch")


def found(study: Study, wanted: RiskOut, folder: Path, **changes: Any) -> Risk:
    """As if inference had saved this curve for both sides."""
    for side in "RL":
        content = {"case": "study", "laterality": side} | CURVE | changes
        write_json(folder / f"study_{side}_pred.json", {k: v for k, v in content.items() if v is not None})
    return Risk.read(folder, study, wanted)


def test_every_side_is_a_group_of_horizons_with_their_spread(study: Study, wanted: RiskOut, tmp_path: Path) -> None:
    risk = found(study, wanted, tmp_path / "out")
    target = Target(tmp_path, "a", Model(NAME, "0.1.0", "sha256:" + "ab" * 32))
    risk.write(target)
    assert not [told for told in dciodvfy(target.report) if told.startswith("Error")]
    groups, sides = dcmqi_groups(target.report, tmp_path), risk.data()["sides"]
    assert [side["laterality"] for side in sides] == ["R", "L"]
    for group in groups:
        assert group["numbers"] == {
            f"R-HIP-FX-{year}Y{end}": pytest.approx(rate * year)
            for year in (1, 2, 5, 10)
            for end, rate in (("", 0.02), ("-LO", 0.01), ("-HI", 0.03))
        }
        (word,) = group["qualitativeEvaluations"]
        assert word["conceptValue"]["CodeValue"] == "BMD_T_SCORE"
        assert "Finding" not in group or not group["Finding"]
    assert sides[0]["risk"] == {"1": 0.02, "2": 0.04, "5": 0.1, "10": 0.2}


def test_the_page_tells_curve_spread_and_what_was_missing(study: Study, wanted: RiskOut, tmp_path: Path) -> None:
    risk = found(study, wanted, tmp_path / "out")
    assert risk.headline == (
        "risk of a hip fracture within 10 years: right 20.0 % (10.0 to 30.0), left 20.0 % (10.0 to 30.0)"
    )
    assert any("Not known to the model: T-score" in doubt for doubt in risk.doubts)
    assert "20.0 % (10.0 to 30.0)" in risk.summary()
    assert risk.summary().count("not known") == 1
    assert "passes of the network&#x27;s last layers" in risk.pictures()
    assert "no confidence interval" in risk.pictures() and risk.pictures().count("<img") == 2
    plain = found(study, wanted, tmp_path / "none", low=None, high=None, missing=[])
    assert "gives no interval" in plain.pictures() and "(" not in plain.headline
    assert not any("Not known" in doubt for doubt in plain.doubts)
    assert "curve" in plain.data()["sides"][0] and "low" not in plain.data()["sides"][0]["curve"]


def test_a_curve_outside_its_band_is_a_doubt(study: Study, wanted: RiskOut, tmp_path: Path) -> None:
    """At 0 years all three are 0; at each of the ten others the risk lies above."""
    risk = found(study, wanted, tmp_path / "out", high=CURVE["low"])
    assert [doubt for doubt in risk.doubts if "right side lies outside its own band at 10 of 11 times" in doubt]
    assert not any("outside" in doubt for doubt in found(study, wanted, tmp_path / "sound").doubts)


@pytest.mark.parametrize(
    "changes",
    [
        {"risk": [0.5] * 10 + [0.4]},
        {"risk": [0.2 * year for year in YEARS]},
        {"years": [0.5 * year for year in YEARS]},
        {"low": [0.1]},
        {"high": [0.0] * 11},
        {"missing": ["smoking"]},
        {"laterality": "B"},
        {"risk": None},
    ],
)
def test_what_inference_may_not_say(study: Study, wanted: RiskOut, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(PredictionError, match="must hold rising risks"):
        found(study, wanted, tmp_path / "out", **changes)


def test_factors_from_csv_and_json(wanted: RiskOut, bundle: Bundle, tmp_path: Path) -> None:
    table, whole = tmp_path / "factors.csv", tmp_path / "factors.json"
    table.write_text("age_years,female,bmi\n81,1,\n")
    whole.write_text(json.dumps({"age_years": 81, "female": 1, "bmi": None}))
    expected = dict.fromkeys(wanted.factors) | {"age_years": 81, "female": 1}
    for path in (table, whole):
        assert read_factors(path, wanted, bundle.ingest_rules) == expected
    assert not any(read_factors(None, wanted, bundle.ingest_rules).values())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("smoking\n1\n", "factors must be some of age_years"),
        ("age_years\n812\n", "age_years must be a number from 18 to 110"),
        ("female\n0.5\n", "female must be a whole number from 0 to 1"),
        ("age_years\n81\n82\n", "a header and one row"),
        ("age_years,bmi\n81\n", "a header and one row"),
    ],
)
def test_factors_that_cannot_be_used(content: str, told: str, wanted: RiskOut, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "factors.csv").write_text(content)
    with pytest.raises(InputError, match=told) as caught:
        read_factors(tmp_path / "factors.csv", wanted, bundle.ingest_rules)
    assert "812" not in str(caught.value)


@pytest.mark.slow
def test_a_film_and_factors_become_a_report(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command line, with first weights, on a phantom of the site that never trains."""
    root = tmp_path / "bundle" / NAME
    torch.manual_seed(0)
    parser = ConfigParser()
    parser.read_config(bundle.root / "configs" / "train.json")
    network = parser.get_parsed_content("network_def")
    torch.nn.init.normal_(network.head[-1].weight, std=0.3)
    shutil.copytree(bundle.root, root)
    (root / "models").mkdir()
    torch.save(network.state_dict(), root / "models" / "model.pt")
    write_patient(tmp_path / "study", tmp_path / "none", "site-e", 3, 1)
    (tmp_path / "factors.json").write_text(json.dumps({"age_years": 81, "female": 1}))
    arguments = ["predict", str(root), str(tmp_path / "study"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--factors", str(tmp_path / "factors.json")]) == 0
    assert "risk of a hip fracture within 10 years" in capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["missing_factors"] == ["bmi", "prior_fracture", "bmd_t_score"]
    assert result["kind"] == "risk"
    assert all(side["curve"]["low"][-1] < side["curve"]["high"][-1] for side in result["sides"])
    (report,) = (tmp_path / "out").glob("*.sr.dcm")
    assert dcmread(report).Modality == "SR"
    assert not [told for told in dciodvfy(report) if told.startswith("Error")]
