"""Each side of a film gets its classes: in SR, page and numbers alike; doubtful ones are called so."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from samples.classification_bundle import BROKEN, SPOT, film, write_classification_bundle, write_film
from samples.detection_bundle import write_identity
from samples.judges import dciodvfy, dcmqi_groups

from fedbundle.bundle.layout import Bundle
from fedbundle.cli import main
from fedbundle.clinic.classification import Classification
from fedbundle.clinic.doubts import input_doubts
from fedbundle.clinic.findings import Target
from fedbundle.clinic.predict import predict
from fedbundle.clinic.study import Study, read_study
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.dicom.pixels.volume import write_nifti
from fedbundle.dicom.seg.dicom_out import ClassificationOut, read_dicom_out
from fedbundle.dicom.seg.write import Model
from fedbundle.errors import NoUsableSeriesError, PredictionError
from fedbundle.files import write_json

SURE = {0: 0.05, 1: 0.03, 2: 0.85, 3: 0.05, 4: 0.01, 5: 0.01}


@dataclass(frozen=True)
class Place:
    """A study of one film, and the bundle's declaration."""

    study: Path
    bundle: Bundle
    wanted: ClassificationOut
    scratch: Path

    def read(self) -> Study:
        return read_study(self.study, self.bundle, self.scratch)

    def found(self, study: Study, sides: dict[str, dict[int, float]], **told: Any) -> Classification:
        """As if inference had saved these probabilities and a map of the bright spot."""
        output, volume = self.scratch / "output", study.volume("image")
        saliency = np.zeros_like(volume.array)
        saliency[0][SPOT] = 1
        for side, probabilities in sides.items():
            content = {"case": "study", "laterality": side, "probabilities": probabilities} | told
            write_json(output / f"study_{side}_pred.json", content)
            write_nifti(saliency, volume.affine, output / f"study_{side}_saliency.nii.gz")
        return Classification.read(output, study, self.wanted)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    bundle = Bundle.open(write_classification_bundle(tmp_path / "bundles", weights=False))
    wanted = read_dicom_out(bundle.root)
    assert isinstance(wanted, ClassificationOut)
    (tmp_path / "scratch").mkdir()
    return Place(write_film(tmp_path / "study"), bundle, wanted, tmp_path / "scratch")


def test_every_side_is_a_group_with_the_same_numbers(place: Place, tmp_path: Path) -> None:
    found = place.found(place.read(), {"R": SURE, "L": SURE | {0: 0.85, 2: 0.05}})
    target = Target(tmp_path, "a", Model("hip_radiograph_fracture", "0.1.0", "sha256:" + "ab" * 32))
    found.write(target)
    assert not [told for told in dciodvfy(target.report) if told.startswith("Error")]
    groups, sides = dcmqi_groups(target.report, tmp_path), found.data()["sides"]
    assert [side["laterality"] for side in sides] == ["R", "L"]
    for group, side in zip(groups, sides, strict=True):
        assert group["Finding"]["CodeValue"] == f"HIP-FX-{side['class']}" == side["code"]["value"]
        expected = {f"P-HIP-FX-{value}": p for value, p in side["probabilities"].items()}
        assert group["numbers"] == expected | {"P-HIP-FX": side["positive"]}
    right, left = (group.get("qualitativeEvaluations", []) for group in groups)
    assert [word["conceptValue"]["CodeValue"] for word in right] == ["31B"] and not left


@pytest.mark.parametrize(
    ("probabilities", "verdict", "told"),
    [
        (SURE, "Femoral neck fracture, displaced", ""),
        ({0: 0.4, 1: 0.05, 2: 0.35, 3: 0.1, 4: 0.05, 5: 0.05}, "Undecided", "between 0.3 and 0.7"),
        ({0: 0.02, 1: 0.45, 2: 0.47, 3: 0.04, 4: 0.01, 5: 0.01}, "Fracture, kind undecided", "nearly equally likely"),
        ({0: 0.28, 1: 0.24, 2: 0.24, 3: 0.24, 4: 0.0, 5: 0.0}, "Fracture, kind undecided", "nearly equally likely"),
        (
            {0: 0.45, 1: 0.02, 2: 0.02, 3: 0.02, 4: 0.04, 5: 0.45},
            "No fracture, class undecided",
            "nearly equally likely",
        ),
        ({0: 0.24, 1: 0.28, 2: 0.0, 3: 0.0, 4: 0.24, 5: 0.24}, "No fracture, class undecided", "nearly equally likely"),
    ],
)
def test_a_verdict_is_told_only_where_there_is_one(
    place: Place, probabilities: dict[int, float], verdict: str, told: str
) -> None:
    found = place.found(place.read(), {"R": probabilities, "L": SURE})
    side = found.data()["sides"][0]
    assert (side["verdict"], side["decided"]) == (
        verdict,
        not verdict.endswith("decided") or verdict.startswith("Fracture"),
    )
    doubts = [doubt for doubt in found.doubts if doubt.startswith("Right")]
    assert len(doubts) == bool(told) + ("between 0.3" in told) and all(told in doubt for doubt in doubts[:1])
    assert verdict in found.summary()


def test_a_threshold_goes_before_the_likeliest_class(place: Place) -> None:
    """Far ahead of each kind, "no fracture" is not told where three kinds together outweigh it; nor the reverse."""
    study = place.read()
    sides = {
        "R": {0: 0.4, 1: 0.2, 2: 0.2, 3: 0.2, 4: 0.0, 5: 0.0},
        "L": {0: 0.2, 1: 0.4, 2: 0.0, 3: 0.0, 4: 0.2, 5: 0.2},
    }
    wanted = replace(place.wanted, unsure=(0.5, 0.5))
    right, left = (result.verdict(wanted) for result in place.found(study, sides).results)
    assert (right.label, right.code, right.group) == ("Fracture, kind undecided", wanted.positive_code, None)
    assert (left.label, left.code) == ("No fracture, class undecided", None)


def test_kinds_of_one_group_are_told_as_that_group(place: Place) -> None:
    sides = {
        "R": {0: 0.05, 1: 0.45, 2: 0.4, 3: 0.1, 4: 0.0, 5: 0.0},
        "L": {0: 0.1, 1: 0.3, 2: 0.3, 3: 0.3, 4: 0.0, 5: 0.0},
    }
    right, left = (result.verdict(place.wanted) for result in place.found(place.read(), sides).results)
    assert right.label == left.label == "Fracture, kind undecided"
    assert (right.group and right.group.value, left.group) == ("31B", None)


def test_what_inference_may_not_say(place: Place) -> None:
    study = place.read()
    wrong: list[dict[int, float]] = [{0: 1.0}, SURE | {2: 0.9}, SURE | {0: -0.1, 2: 1.0}, SURE | {6: 0.0}]
    for probabilities in wrong:
        with pytest.raises(PredictionError, match="probabilities of all classes"):
            place.found(study, {"R": probabilities, "L": SURE})
    for named in ({"class": 9}, {"class": [1]}, {"class": "1"}, {"class": True}, {"empty": False}, [1], None):
        with pytest.raises(PredictionError, match="explain a class"):
            place.found(study, {"R": SURE, "L": SURE}, saliency=named)


def test_the_map_lies_on_the_page_where_it_is_not_empty(place: Place) -> None:
    study = place.read()
    found = place.found(study, {"R": SURE, "L": SURE}, saliency={"class": 3, "empty": False})
    assert "what spoke for: intertrochanteric fracture" in found.pictures() and found.pictures().count("<img") == 5
    blank = replace(found, results=tuple(replace(each, saliency=each.saliency * 0) for each in found.results))
    assert blank.pictures().count("<img") == 3
    assert sum("gave no map" in doubt for doubt in blank.doubts) == 2


def test_a_header_that_tells_little_and_a_broken_contract_make_doubts(place: Place) -> None:
    image = film()
    image.BodyPartExamined, image.ViewPosition = None, None
    write_film(place.study, image)
    (place.bundle.ingest_rules["inputs"]["image"])["contract"] = {"spacing_mm": {"max": 1.0}}
    told = input_doubts(place.read(), place.wanted)
    assert ["names no body part and no view" in told[0], "WRONG_SPACING" in told[1], len(told)] == [True, True, 2]


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Modality": "MG"}, "WRONG_MODALITY"),
        ({"BodyPartExamined": "CHEST"}, "WRONG_BODY_PART"),
        ({"ViewPosition": "LL"}, "WRONG_VIEW"),
        ({"SeriesDescription": "hip lateral"}, "WRONG_DESCRIPTION"),
        ({"PixelSpacing": [0.5, 0.5]}, "SIDE_UNKNOWN"),
        ({"PatientOrientation": ["R", "F"]}, "FILM_MIRRORED"),
    ],
)
def test_another_part_view_or_modality_ends_with_21(
    place: Place, tmp_path: Path, attributes: dict[str, object], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = film()
    for keyword, value in attributes.items():
        setattr(image, keyword, value)
    write_film(place.study, image)
    (place.bundle.root / "models").mkdir()
    (place.bundle.root / "models" / "model.pt").touch()  # the images are judged before it is read
    status = main(["predict", str(place.bundle.root), str(place.study), "--out", str(tmp_path / "out")])
    assert (status, (tmp_path / "out").exists()) == (21, False)
    assert code in capsys.readouterr().err


def test_real_films_that_must_be_refused(place: Place, testdata: Any) -> None:
    for name in ("ddh_dicom", "monochrome1_cr"):
        for path in sorted(path for path in testdata(f"hip_xray/{name}").iterdir() if path.suffix == ".dcm")[:2]:
            study = place.scratch / f"{name}_{path.stem}"
            study.mkdir(parents=True)
            (study / "film").symlink_to(path)
            with pytest.raises(NoUsableSeriesError, match=r"got [A-Z_]+ "):
                read_study(study, place.bundle, place.scratch)


@pytest.mark.slow
def test_predict(place: Place, tmp_path: Path) -> None:
    write_identity(place.bundle.root)
    result = predict(place.bundle.root, place.study, tmp_path / "out")
    assert result == json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert sorted(result["files"]) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert [(side["laterality"], side["class"]) for side in result["sides"]] == [("R", BROKEN), ("L", 0)]
    report = tmp_path / "out" / "hip_radiograph_fracture.sr.dcm"
    assert not [told for told in dciodvfy(report) if told.startswith("Error")]
    header = dcmread(place.study / "000")
    report.unlink()
    assert residuals(tmp_path / "out", identifiers(header)) == []
    film_of_one = film()
    film_of_one.PixelSpacing, film_of_one.ImageLaterality, film_of_one.BodyPartExamined = [0.5, 0.5], "R", "HIP"
    write_film(place.study, film_of_one)
    single = predict(place.bundle.root, place.study, tmp_path / "single")
    assert [side["laterality"] for side in single["sides"]] == ["R"]
