"""Every bundle of this repository predicts as it is: on its own phantoms, and on a real study where there is one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from samples.browser import browser
from samples.judges import dciodvfy, dcmqi_groups
from samples.untrained import write_untrained

from fedbundle.clinic.predict import predict
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import CONFIG
from fedbundle.dicom.seg.read import read_segmentation
from fedbundle.dicom.series import scan
from fedbundle.files import read_json
from fedbundle.phantom.write import write_phantoms

BUNDLES = sorted(path.parents[1] for path in (Path(__file__).parents[2] / "bundles").glob("*/configs/dicom_out.json"))
pytestmark = pytest.mark.slow


def errors(out: Path) -> list[str]:
    """Complaints about any DICOM object, but for what the source's own header makes."""
    return [told for path in out.glob("*.dcm") for told in dciodvfy(path) if told.startswith("Error")]


def numbers_agree(result: dict[str, Any], out: Path, scratch: Path) -> bool:
    """What result.json tells is what dcmqi reads from the SR; without thresholds of a site an anomaly map has none."""
    if result["kind"] == "anomaly" and result["thresholds"] is None:
        return not [*out.glob("*.sr.dcm")] and all(sign["above_ml"] is None for sign in result["signs"])
    groups = dcmqi_groups(next(out.glob("*.sr.dcm")), scratch)
    match result["kind"]:
        case "segmentation":
            expected = [segment["volume_ml"] for segment in result["segments"]]
            found = [group["numbers"]["118565006"] for group in groups]
        case "detection":
            expected = [result["patient_score"], *(each["score"] for each in result["candidates"])]
            found = [group["numbers"]["DETECTION-SCORE"] for group in groups]
        case "risk":
            expected = [side["risk"]["10"] for side in result["sides"]]
            found = [group["numbers"]["R-HIP-FX-10Y"] for group in groups]
        case _:
            expected = [side["positive"] for side in result["sides"]]
            found = [group["numbers"]["P-HIP-FX"] for group in groups]
    return len(expected) == len(found) > 0 and np.allclose(expected, found, atol=1e-6)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_a_bundle_without_training_predicts_on_its_phantoms_and_says_so(bundle: Path, tmp_path: Path) -> None:
    write_phantoms(bundle.name, tmp_path / "phantoms", 1, "site-a", 0)
    (study,) = (tmp_path / "phantoms" / "dicom").iterdir()
    out = tmp_path / "out"
    result = predict(write_untrained(bundle, tmp_path / "bundle"), study, out)
    assert result["kind"] == read_json(bundle / CONFIG)["kind"]
    assert sorted(result["files"]) == sorted(path.name for path in out.iterdir())
    assert errors(out) == [] and numbers_agree(result, out, tmp_path)
    assert any("no training record" in told for told in result["warnings"])
    with browser(tmp_path) as page:
        page.open(out / "report.html")
        assert (page.complaints, [url for url in page.requests if not url.startswith("file:")]) == ([], [])
        assert page.value("[...document.images].every(i => i.complete && i.naturalWidth > 0)") is True
        assert page.value("document.documentElement.scrollWidth <= window.innerWidth") is True


def test_the_lesion_bundle_on_a_real_study(tmp_path: Path, testdata: Callable[[str], Path]) -> None:
    study = testdata("prostate_mr/ProstateX-0000")
    (bundle,) = [path for path in BUNDLES if path.name == "prostate_mripet_lesion"]
    out = tmp_path / "out"
    result = predict(write_untrained(bundle, tmp_path / "bundle"), study, out)
    used = {role: each["state"] for role, each in result["inputs_used"].items()}
    assert used == {"t2": "used", "adc": "used", "hbv": "used", "pet": "absent"}
    assert result["grid"]["columns"] == 384 and errors(out) == [] and numbers_agree(result, out, tmp_path)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "without PET (SUV): the study holds none" in page and "no training record" in page
    if result["candidates"]:
        volume = Volume.of(scan(next(study.rglob("*t2tsetra*")))[0])
        path = out / "prostate_mripet_lesion.seg.dcm"
        masks = read_segmentation(path, volume.array.shape, volume.affine).masks
        volumes = [int(mask.sum()) * (0.5 * 0.5 * 3 / 1000) for mask in masks.values()]
        assert volumes == pytest.approx([each["volume_ml"] for each in result["candidates"]], abs=6e-4)  # as rounded
        assert dcmread(path).PatientID == dcmread(next(study.rglob("*.dcm"))).PatientID
