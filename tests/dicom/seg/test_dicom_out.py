"""What a bundle's result means is told by its dicom_out.json, for each kind; what breaks the schema is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom.sr._concepts_dict import concepts

from fedbundle.dicom.seg.dicom_out import (
    CONFIG,
    AnomalyOut,
    ClassificationOut,
    DetectionOut,
    RiskOut,
    SegmentationOut,
    read_dicom_out,
)
from fedbundle.dicom.sr.group import OWN_SCHEME
from fedbundle.errors import BundleError
from fedbundle.files import read_json, write_json

BUNDLES = sorted(path.parents[1] for path in (Path(__file__).parents[3] / "bundles").glob("*/configs/dicom_out.json"))
KINDS = {
    "segmentation": SegmentationOut,
    "detection": DetectionOut,
    "classification": ClassificationOut,
    "risk": RiskOut,
    "anomaly": AnomalyOut,
}


@pytest.fixture(params=BUNDLES, ids=lambda path: path.name)
def bundle(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def codes_in(content: Any) -> list[dict[str, str]]:
    if isinstance(content, dict):
        found = [content] if content.keys() == {"value", "scheme", "meaning"} else []
        return found + [code for value in content.values() for code in codes_in(value)]
    return [code for value in content for code in codes_in(value)] if isinstance(content, list) else []


def test_every_bundle_tells_its_kind(bundle: Path) -> None:
    kind = read_json(bundle / CONFIG)["kind"]
    assert type(read_dicom_out(bundle)) is KINDS[kind]


def test_public_codes_are_in_the_dictionary_of_the_standard_with_that_meaning(bundle: Path) -> None:
    for code in codes_in(read_json(bundle / CONFIG)):
        if code["scheme"] != OWN_SCHEME:
            known = concepts[code["scheme"]].values()
            meanings = {entry[code["value"]][0] for entry in known if code["value"] in entry}
            assert code["meaning"] in meanings, code


def test_classes_are_those_of_the_table(bundle: Path) -> None:
    wanted = read_dicom_out(bundle)
    if isinstance(wanted, ClassificationOut):
        (column,) = read_json(bundle / "configs" / "ingest.json")["table"]["columns"].values()
        assert [str(each.value) for each in wanted.classes] == list(column["values"])


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("prostate_mri_zones", {"segments": []}, "segments"),
        ("prostate_mri_zones", {"content_label": "lower"}, "content_label"),
        ("prostate_mri_zones", {"extra": 1}, "extra"),
        ("prostate_mri_zones", {"kind": "detection"}, "candidate"),
        ("prostate_mri_zones", {"kind": "magic"}, "magic"),
        ("prostate_mripet_lesion", {"report_from": 0}, "report_from"),
        ("prostate_mripet_lesion", {"segments": []}, "segments"),
        ("hip_radiograph_fracture", {"classes": []}, "classes"),
        ("hip_radiograph_fracture", {"content_label": "HIPS"}, "content_label"),
        ("hip_radiograph_risk", {"horizons_years": []}, "horizons_years"),
        ("hip_radiograph_risk", {"classes": []}, "classes"),
    ],
)
def test_a_broken_declaration_is_refused(tmp_path: Path, name: str, change: dict[str, object], told: str) -> None:
    (source,) = [path for path in BUNDLES if path.name == name]
    write_json(tmp_path / CONFIG, read_json(source / CONFIG) | change)
    with pytest.raises(BundleError, match=told):
        read_dicom_out(tmp_path)


def test_no_declaration_and_one_value_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="what its results mean"):
        read_dicom_out(tmp_path)
    (source,) = [path for path in BUNDLES if path.name == "hip_radiograph_fracture"]
    content = read_json(source / CONFIG)
    content["classes"][1]["value"] = 0
    (tmp_path / CONFIG).parent.mkdir()
    (tmp_path / CONFIG).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BundleError, match="different values"):
        read_dicom_out(tmp_path)
