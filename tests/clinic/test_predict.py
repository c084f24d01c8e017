"""A study goes in; segmentation, page and numbers come out, or a reason and nothing."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from samples.judges import dciodvfy, dcmqi_masks
from samples.oblique_series import oblique_series, write_series
from samples.small_ledger import LEDGER
from samples.threshold_bundle import change, truth, write_study, write_threshold_bundle

from fedbundle.bundle.archive import pack
from fedbundle.bundle.record import write_record
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.cli import main
from fedbundle.clinic.predict import predict
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.read import read_segmentation
from fedbundle.dicom.series import scan
from fedbundle.errors import (
    BundleError,
    DigestError,
    InputError,
    NoUsableSeriesError,
    OutputError,
    PredictionError,
)
from fedbundle.files import write_json


@dataclass(frozen=True)
class Done:
    """One prediction that several tests look at."""

    result: dict[str, Any]
    out: Path
    study: Path
    bundle: Path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """An exported zip that was told to be trained on phantoms, on an oblique study."""
    folder = tmp_path_factory.mktemp("predict")
    source = write_threshold_bundle(folder / "source")
    change(source, "configs/metadata.json", data_source="phantoms", intended_use="<b>Research</b> & teaching")
    write_json(source / "provenance" / "ledger.json", LEDGER)
    exported = folder / "exported" / source.name
    copy_bundle(source, exported)
    write_record(exported, source.name, "0.1.0")
    pack(exported, folder / "a.zip")
    study = write_study(folder / "study")
    return Done(predict(folder / "a.zip", study, folder / "out"), folder / "out", study, folder / "a.zip")


def test_the_right_series_is_chosen_and_every_other_has_a_reason(done: Done) -> None:
    codes = {series["number"]: (series["role"], series["code"]) for series in done.result["series"]}
    assert codes["4"] == ("image", "USED")
    assert {codes["3"][1], codes["7"][1]} == {"WRONG_ORIENTATION", "WRONG_DIFFUSION"}
    assert all(series["detail"] for series in done.result["series"])


def test_the_segmentation_has_the_voxels_that_the_bundle_found(done: Done, tmp_path: Path) -> None:
    path = done.out / "prostate_mri_zones.seg.dcm"
    masks, _ = dcmqi_masks(path, done.study / "a", tmp_path)
    assert all(np.array_equal(masks[number], truth() == number) for number in (1, 2))
    assert dciodvfy(path) == []
    assert str(dcmread(path).PatientName) == "Quillfeather^Jörg"


def test_numbers(done: Done) -> None:
    volumes = [segment["volume_ml"] for segment in done.result["segments"]]
    assert volumes == [pytest.approx((truth() == value).sum() * 0.8 * 0.8 * 3 / 1000, abs=1e-3) for value in (1, 2)]
    assert done.result == json.loads((done.out / "result.json").read_text(encoding="utf-8"))
    assert sorted(done.result["files"]) == sorted(path.name for path in done.out.iterdir())


def test_the_network_gets_the_quantity_that_it_was_trained_on(tmp_path: Path) -> None:
    bundle = write_threshold_bundle(tmp_path / "bundles")
    rules = json.loads((bundle / "configs" / "ingest.json").read_text(encoding="utf-8"))
    rules["inputs"]["image"]["pixels"] = "adc"
    write_json(bundle / "configs" / "ingest.json", rules)
    study = write_study(tmp_path / "study")
    for path in (study / "a").iterdir():
        image = dcmread(path)
        image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 0.001, 0, "10^-3 mm2/s"
        image.save_as(path)
    predict(bundle, study, tmp_path / "out")
    masks, _ = dcmqi_masks(tmp_path / "out" / "prostate_mri_zones.seg.dcm", study / "a", tmp_path)
    assert all(np.array_equal(masks[number], truth() == number) for number in (1, 2))


def test_a_segmentation_is_never_made_on_borrowed_voxels(done: Done, tmp_path: Path) -> None:
    bundle = write_threshold_bundle(tmp_path)
    rules = json.loads((bundle / "configs" / "ingest.json").read_text(encoding="utf-8"))
    image = rules["inputs"]["image"]
    rules["inputs"] = {"other": image, "image": image | {"resample_to": "other"}}
    write_json(bundle / "configs" / "ingest.json", rules)
    with pytest.raises(BundleError, match="must be a role on the voxels of its own series, got 'image'"):
        predict(bundle, done.study, tmp_path / "out")


def test_nothing_but_the_segmentation_names_the_patient(done: Done, tmp_path: Path) -> None:
    for path in done.out.iterdir():
        if path.suffix != ".dcm":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    headers = [dcmread(path) for path in done.study.rglob("IM*")]
    assert residuals(tmp_path, {name for header in headers for name in identifiers(header)}) == []
    assert not re.search(r"20\d\d-\d\d-\d\d", (tmp_path / "inference.log").read_text(encoding="utf-8"))


def test_the_page_is_strict_and_tells_what_must_be_told(done: Done) -> None:
    page = (done.out / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in page
    assert not re.search(r"<script|javascript:|\son\w+=|\sstyle=|https?://", page)
    told = ["Research use only", "Trained on phantoms only", "hospital-a", "0.81 (0.75 to 0.87)", "WRONG_DIFFUSION"]
    told += [done.result["release_digest"], done.result["recipe_digest"], "checked against the bundle", "Look twice"]
    assert [text for text in told if text not in page] == []
    assert "&lt;b&gt;Research&lt;/b&gt; &amp; teaching" in page and "<b>" not in page
    assert page.count("data:image/png;base64,") == 2 + 7 + 2


@pytest.mark.slow
def test_the_terminal_warns_before_it_tells_the_result(
    done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_threshold_bundle(tmp_path)
    assert main(["predict", str(bundle), str(done.study), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Research use only") and "carries no training record" in told[1]
    assert told[2] == done.result["headline"]


def test_earlier_results_are_replaced_and_other_files_are_not(done: Done, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match="earlier results"):
        predict(done.bundle, done.study, own)
    (own / "thesis.txt").rename(own / "report.html")
    with pytest.raises(OutputError, match="earlier results"):
        predict(done.bundle, done.study, own)
    assert (own / "report.html").read_text(encoding="utf-8") == "years of work"
    with pytest.raises(OutputError, match="must be a folder"):
        predict(done.bundle, done.study, own / "report.html")
    with pytest.raises(InputError, match="zip or a folder"):  # out is accepted, the next thing is looked at
        predict(tmp_path / "none.zip", done.study, done.out)


@pytest.mark.slow
def test_a_damaged_file_among_the_slices_is_told_on_the_page(done: Done, tmp_path: Path) -> None:
    study = Path(shutil.copytree(done.study, tmp_path / "study"))
    next(path for path in sorted(study.rglob("IM*"))).write_bytes(b"")
    result = predict(done.bundle, study, tmp_path / "out")
    assert any("1 of the study's files are empty or damaged" in doubt for doubt in result["doubts"])
    assert "slices may be missing" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_input_that_cannot_be_used(done: Done, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="study must be a folder"):
        predict(done.bundle, tmp_path / "none", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="got none in 0 files"):
        predict(done.bundle, tmp_path / "empty", out)
    for seed in "ab":
        write_series(tmp_path / "two" / seed, oblique_series(seed=seed))
    with pytest.raises(InputError, match="got 2 studies"):
        predict(done.bundle, tmp_path / "two", out)
    assert not out.exists()


def test_a_study_without_a_usable_series_ends_with_21(
    done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = oblique_series(12)
    write_series(tmp_path / "study", [*images[:5], *images[6:]])
    with pytest.raises(NoUsableSeriesError, match="MISSING_SLICE"):
        predict(done.bundle, tmp_path / "study", tmp_path / "out")
    assert main(["predict", str(done.bundle), str(tmp_path / "study"), "--out", str(tmp_path / "out")]) == 21
    assert "MISSING_SLICE" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_bundles_that_cannot_be_run(done: Done, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bare = write_threshold_bundle(tmp_path / "bare", weights=False)
    with pytest.raises(PredictionError, match="must carry weights"):
        predict(bare, done.study, out)
    silent = write_threshold_bundle(tmp_path / "silent")
    (silent / "configs" / "dicom_out.json").unlink()
    with pytest.raises(BundleError, match="what its results mean"):
        predict(silent, done.study, out)
    changed = write_threshold_bundle(tmp_path / "changed")
    copy_bundle(changed, tmp_path / "copy" / changed.name)
    write_record(tmp_path / "copy" / changed.name, changed.name, "0.1.0")
    change(tmp_path / "copy" / changed.name, "configs/train.json", seed=1)
    with pytest.raises(DigestError, match="recipe_digest"):
        predict(tmp_path / "copy" / changed.name, done.study, out)
    assert not out.exists()


@pytest.mark.slow
def test_a_bundle_that_fails(done: Done, tmp_path: Path) -> None:
    broken = write_threshold_bundle(tmp_path / "broken")
    change(broken, "configs/inference.json", network_def={"_target_": "torch.nn.Conv3d", "nonsense": 1})
    with pytest.raises(PredictionError, match=r"status 0, got 1: .*nonsense") as caught:
        predict(broken, done.study, tmp_path / "out")
    assert "fedbundle-predict-" not in str(caught.value) and not (tmp_path / "out").exists()


def test_a_real_study(done: Done, tmp_path: Path, testdata: Callable[[str], Path]) -> None:
    study = testdata("prostate_mr/ProstateX-0000")
    result = predict(done.bundle, study, tmp_path / "out")
    grid = {"columns": 384, "rows": 384, "slices": 19, "spacing_mm": [0.5, 0.5, 3.0]}
    assert result["grid"] == grid and len(result["series"]) == 7
    assert [series["number"] for series in result["series"] if series["role"]] == ["4"]
    path = tmp_path / "out" / "prostate_mri_zones.seg.dcm"
    assert not [told for told in dciodvfy(path) if told.startswith("Error")]
    (tmp_path / "dcmqi").mkdir()
    masks, _ = dcmqi_masks(path, next(study.rglob("*t2tsetra*")), tmp_path / "dcmqi")
    volume = Volume.of(scan(next(study.rglob("*t2tsetra*")))[0])
    own = read_segmentation(path, volume.array.shape, volume.affine).masks
    assert all(np.array_equal(masks[number], own[number]) and own[number].any() for number in (1, 2))
    assert "not expected to be right on a real patient" in (tmp_path / "out" / "report.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    "name",
    [
        "prostate_mr/ProstateX-missing-slice",
        "prostate_mr/philips_single_slice",
        "brain_mr/ReMIND-022/3DAXT1postcontrast_MRI",
        "pet_ct/CCTH-A01_CT_pelvis",
    ],
)
def test_real_series_that_must_be_refused(
    done: Done, tmp_path: Path, testdata: Callable[[str], Path], name: str
) -> None:
    with pytest.raises(NoUsableSeriesError, match=r"got [A-Z_]+ "):
        predict(done.bundle, testdata(name), tmp_path / "out")
    assert not (tmp_path / "out").exists()
