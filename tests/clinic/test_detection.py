"""Candidates come out as a map is written: with and without PET, in SEG, SR, page and numbers alike."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import MRImageStorage
from samples.detection_bundle import (
    SCORES,
    WITH_PET,
    add_pet,
    truth,
    write_detection_bundle,
    write_identity,
    write_study,
)
from samples.judges import dciodvfy, dcmqi_groups, dcmqi_masks

from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.detection import Detection
from fedbundle.clinic.doubts import input_doubts
from fedbundle.clinic.findings import Target
from fedbundle.clinic.images_used import images_used, missing_doubts, sentence
from fedbundle.clinic.predict import predict
from fedbundle.clinic.study import Study, read_study
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.dicom.pixels.volume import write_nifti
from fedbundle.dicom.seg.dicom_out import DetectionOut, read_dicom_out
from fedbundle.dicom.seg.write import Model

SCORE, VOLUME, CANDIDATES, WEAKER = "DETECTION-SCORE", "118565006", "CANDIDATES", "CANDIDATES-WEAK"


@dataclass(frozen=True)
class Place:
    """A study without PET, and the bundle's declaration."""

    study: Path
    bundle: Bundle
    wanted: DetectionOut
    scratch: Path

    def read(self) -> Study:
        return read_study(self.study, self.bundle, self.scratch)

    def found(self, study: Study, scores: dict[int, float]) -> Detection:
        """As if inference had saved a map with these scores of the candidates of `truth`."""
        values = np.select([truth() == number for number in scores], list(scores.values()), 0.0)
        output = self.scratch / "output"
        write_nifti(values.astype(np.float32), study.volume("t2").affine, output / "study_t2_pred.nii.gz")
        return Detection.read(output, study, self.wanted)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    bundle = Bundle.open(write_detection_bundle(tmp_path / "bundles", weights=False))
    wanted = read_dicom_out(bundle.root)
    assert isinstance(wanted, DetectionOut)
    (tmp_path / "scratch").mkdir()
    return Place(write_study(tmp_path / "study"), bundle, wanted, tmp_path / "scratch")


def images_named(report: Path) -> set[str]:
    """MR images that a report names as evidence."""
    found = dcmread(report)
    studies = [*found.CurrentRequestedProcedureEvidenceSequence, *found.get("PertinentOtherEvidenceSequence", [])]
    series = [each for study in studies for each in study.ReferencedSeriesSequence]
    items = [item for each in series for item in each.ReferencedSOPSequence]
    return {item.ReferencedSOPInstanceUID for item in items if item.ReferencedSOPClassUID == MRImageStorage}


def complaints(report: Path) -> list[str]:
    """Of dciodvfy, but for its warnings that a scheme is not one of the standard's."""
    return [told for told in dciodvfy(report) if not told.endswith("Unrecognized defined term = <99FEDBUNDLE>")]


def written(found: Detection, folder: Path) -> Target:
    folder.mkdir()
    target = Target(folder, "a", Model("prostate_mripet_lesion", "0.1.0", "sha256:" + "ab" * 32))
    found.write(target)
    return target


def test_each_candidate_is_a_segment_and_a_group_with_the_same_numbers(place: Place, tmp_path: Path) -> None:
    found = place.found(place.read(), SCORES)
    target = written(found, tmp_path / "out")
    assert dciodvfy(target.segmentation) == complaints(target.report) == []
    (tmp_path / "dcmqi").mkdir()
    masks, meanings = dcmqi_masks(target.segmentation, place.study / "t2", tmp_path / "dcmqi")
    assert meanings == {1: "Lesion", 2: "Lesion"}
    assert all(np.array_equal(masks[number], truth() == number) for number in (1, 2))
    patient, *groups = dcmqi_groups(target.report, tmp_path)
    told = found.data()
    assert patient["numbers"] == {CANDIDATES: 2, WEAKER: 1, SCORE: told["patient_score"]}
    for group, candidate in zip(groups, told["candidates"], strict=True):
        assert group["ReferencedSegment"] == candidate["number"]
        assert group["numbers"][VOLUME] == candidate["volume_ml"]
        assert group["numbers"][SCORE] == candidate["score"]
    assert images_named(target.report) == {dcmread(path).SOPInstanceUID for path in place.study.rglob("0*")}
    segments = dcmread(target.segmentation).SegmentSequence
    assert [group["TrackingUniqueIdentifier"] for group in groups] == [str(item.TrackingUID) for item in segments]


def test_weak_candidates_are_counted_and_the_edge_is_told(place: Place) -> None:
    found = place.found(place.read(), SCORES)
    assert (len(found.candidates), found.data()["weaker_candidates"]) == (2, 1)
    assert [doubt for doubt in found.doubts if "Lesion candidate 2 reaches the first or last slice" in doubt]
    unsure = place.found(place.read(), {1: 0.3})
    assert any("between 0.2 and 0.5" in doubt for doubt in unsure.doubts)
    assert not place.found(place.read(), {1: 0.9}).doubts


def test_no_code_calls_a_score_a_probability_or_a_candidate_a_lesion(place: Place, tmp_path: Path) -> None:
    target = written(place.found(place.read(), {1: 0.05}), tmp_path / "out")  # weaker than report_from
    (group,) = dcmqi_groups(target.report, tmp_path)
    assert group["numbers"] == {CANDIDATES: 0, WEAKER: 1, SCORE: 0.05}
    assert {
        (item["units"]["CodeValue"], item["quantity"]["CodingSchemeDesignator"]) for item in group["measurementItems"]
    } == {("1", "99FEDBUNDLE")}


def test_without_a_candidate_there_is_only_a_report_that_says_so(place: Place, tmp_path: Path) -> None:
    found = place.found(place.read(), {1: 0.0})
    target = written(found, tmp_path / "out")
    assert not target.segmentation.exists() and list(found.objects()) == [".sr.dcm"]
    assert complaints(target.report) == []
    (patient,) = dcmqi_groups(target.report, tmp_path)
    assert patient["numbers"] == {CANDIDATES: 0, WEAKER: 0, SCORE: 0}
    assert "No lesion candidate was found" in found.summary() and found.pictures().count("<img") == 1


@pytest.mark.parametrize(
    ("pet", "state", "told"),
    [
        (None, "absent", "without PET (SUV): the study holds none"),
        ({}, "used", "The network used T2, ADC and PET (SUV)"),
        ({"PatientWeight": None}, "unusable", "without PET (SUV): there is one, but it cannot be used (NO_SUV)"),
    ],
)
def test_what_became_of_the_pet_is_told(place: Place, pet: dict[str, Any] | None, state: str, told: str) -> None:
    if pet is not None:
        add_pet(place.study, **pet)
    study = place.read()
    used = images_used(study, place.wanted)
    assert {each.role: each.state for each in used} == {"t2": "used", "adc": "used", "hbv": "absent", "pet": state}
    assert told in sentence(used) and ("pet" in study.inputs) == (state == "used")
    assert bool(missing_doubts(used)) == (state == "unusable")
    if state == "used":
        assert place.found(study, {1: 0.9}).pictures().count("SUV 0 to 15 g/mL") == 2  # alternative text and caption


def test_a_registered_input_asks_for_a_second_look(place: Place) -> None:
    study = place.read()
    registration = {"translation_mm": 4.2, "rotation_degrees": 1.5}
    grid = {"frame_of_reference": "registered", "registration": registration}
    moved = replace(study.inputs["adc"], told={"grid": grid})
    (doubt,) = input_doubts(replace(study, inputs=study.inputs | {"adc": moved}), place.wanted)
    assert doubt.startswith("ADC has another frame of reference") and "4.2 mm and 1.5 degrees" in doubt


@pytest.mark.slow
def test_predict_with_and_without_pet(place: Place, tmp_path: Path) -> None:
    write_identity(place.bundle.root)
    results = {}
    for name in ("without", "with", "unusable"):
        if name != "without":
            add_pet(place.study, **({"Units": "PROPCPS"} if name == "unusable" else {}))
        results[name] = predict(place.bundle.root, place.study, tmp_path / name)
        assert results[name] == json.loads((tmp_path / name / "result.json").read_text(encoding="utf-8"))
    assert results["without"]["patient_score"] == results["unusable"]["patient_score"] == SCORES[1]
    assert results["with"]["patient_score"] == pytest.approx(SCORES[1] + WITH_PET)
    assert {name: result["inputs_used"]["pet"]["state"] for name, result in results.items()} == {
        "without": "absent",
        "with": "used",
        "unusable": "unusable",
    }
    assert any("NO_SUV" in doubt for doubt in results["unusable"]["doubts"])
    page = (tmp_path / "unusable" / "report.html").read_text(encoding="utf-8")
    assert "Look twice" in page and "PET (SUV) is in the study but was not used: NO_SUV" in page
    public = tmp_path / "public"
    public.mkdir()
    for name in ("report.html", "result.json", "inference.log"):
        (public / name).write_bytes((tmp_path / "with" / name).read_bytes())
    headers = [dcmread(path) for path in place.study.rglob("*") if path.is_file()]
    assert residuals(public, {name for header in headers for name in identifiers(header)}) == []
