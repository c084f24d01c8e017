"""A report must say the same to every reader: to us, to highdicom, to dcmqi; and belong to the patient and study."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread
from pydicom.sr.coding import Code
from samples.dicom_series import write_slices
from samples.judges import dciodvfy, dcmqi_groups
from samples.oblique_series import oblique_series, write_series
from samples.plain_film import make_film

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import SegmentationOut, read_dicom_out
from fedbundle.dicom.seg.write import Model, write_segmentation
from fedbundle.dicom.series import scan
from fedbundle.dicom.sr.group import MAXIMUM, MILLILITER, MILLIMETER, NO_UNITS, OWN_SCHEME, VOLUME, Group, Quantity
from fedbundle.dicom.sr.read import read_report
from fedbundle.dicom.sr.same import check_report
from fedbundle.dicom.sr.write import write_report
from fedbundle.errors import SegmentationError

BUNDLES = Path(__file__).parents[3] / "bundles"
FOUND = read_dicom_out(BUNDLES / "prostate_mri_zones")
assert isinstance(FOUND, SegmentationOut)
WANTED = FOUND
MODEL = Model("prostate_mri_zones", "0.1.0", "sha256:" + "ab" * 32)
DIAMETER = Code("81827009", "SCT", "Diameter")
PROBABILITY = Code("P-X", OWN_SCHEME, "Probability of something")
BARE = ("AccessionNumber", "StudyID", "ReferringPhysicianName", "PatientBirthDate", "PatientSex", "StudyTime")


def write(folder: Path) -> tuple[Path, list[Group]]:
    """SEG and SR of two segments; the path of the SR, and its groups."""
    write_series(folder / "in", oblique_series())
    (series,) = scan(folder / "in")
    volume = Volume.of(series)
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[1:3, 4:9, 5:11], labels[3, 4:6, 5:8] = 1, 2
    made = write_segmentation(labels, volume.affine, series.headers, WANTED.labelled, MODEL, folder / "a.seg.dcm")
    groups = [
        Group(
            label=segment.label,
            uid=str(item.TrackingUID),
            finding=segment.type,
            category=segment.category,
            quantities=(Quantity(VOLUME, 0.1234, MILLILITER), Quantity(DIAMETER, 12.5, MILLIMETER, MAXIMUM)),
            segment=item.SegmentNumber,
        )
        for segment, item in zip(WANTED.labelled.segments, made.SegmentSequence, strict=True)
    ]
    write_report(groups, series.headers, made, "Zones", WANTED.procedure, MODEL, folder / "a.sr.dcm")
    return folder / "a.sr.dcm", groups


def test_numbers_are_the_same_for_all_readers(tmp_path: Path) -> None:
    path, groups = write(tmp_path)
    assert dciodvfy(path) == []
    own, _ = read_report(path)
    assert [read.group for read in own] == groups
    theirs = dcmqi_groups(path, tmp_path)
    assert [group["numbers"] for group in theirs] == [{"118565006": 0.1234, "81827009": 12.5}] * 2
    assert [group["TrackingUniqueIdentifier"] for group in theirs] == [group.uid for group in groups]
    assert [group["ReferencedSegment"] for group in theirs] == [1, 2]
    segmentation = dcmread(tmp_path / "a.seg.dcm")
    assert {group["segmentationSOPInstanceUID"] for group in theirs} == {segmentation.SOPInstanceUID}
    read = srread(path).content.get_volumetric_roi_measurement_groups()
    assert [group.get_measurements()[1].value for group in read] == [12.5, 12.5]


def test_the_algorithm_is_named_with_version_and_digest(tmp_path: Path) -> None:
    path, _ = write(tmp_path)
    for group in dcmqi_groups(path, tmp_path):
        told = group["measurementAlgorithmIdentification"]
        assert (told["AlgorithmName"], told["AlgorithmVersion"]) == ("prostate_mri_zones", "0.1.0")
        assert told["AlgorithmParameters"] == [f"digest {MODEL.digest}"]
    (segment, _) = dcmread(tmp_path / "a.seg.dcm").SegmentSequence
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmVersion, MODEL.digest in algorithm.AlgorithmParameters) == ("0.1.0", True)


def test_the_report_belongs_to_the_patient_and_is_no_final_one(tmp_path: Path) -> None:
    path, _ = write(tmp_path)
    made, source = dcmread(path), oblique_series()[0]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID"):
        assert made[keyword].value == source[keyword].value
    assert made.SeriesInstanceUID != source.SeriesInstanceUID and made.Modality == "SR"
    assert (made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )


def test_a_side_of_a_film_with_terms_of_our_own(tmp_path: Path) -> None:
    film = make_film()
    for keyword in BARE:
        if keyword in film:
            delattr(film, keyword)
    (series,) = scan(write_slices(tmp_path / "in", [film]))
    group = Group(
        label="Left side",
        uid=highdicom.UID(),
        finding=Code("X", OWN_SCHEME, "Something"),
        site=Code("24136001", "SCT", "Hip joint"),
        side="L",
        quantities=(Quantity(PROBABILITY, 0.25, NO_UNITS),),
        words=((Code("G", OWN_SCHEME, "Grouping"), Code("G1", OWN_SCHEME, "First group")),),
    )
    path = tmp_path / "a.sr.dcm"
    write_report([group], series.headers, None, "Films", WANTED.procedure, MODEL, path)
    assert not [told for told in dciodvfy(path) if told.startswith("Error")]
    (theirs,) = dcmqi_groups(path, tmp_path)
    assert theirs["numbers"] == {"P-X": 0.25} and theirs["FindingSite"]["CodeValue"] == "24136001"
    (own,) = read_report(path)[0]
    assert own.group == group and own.refers_to == (film.SOPInstanceUID,)
    with pytest.raises(SegmentationError, match="another in side of a group"):
        check_report(path, [replace(group, side="R")], series.headers, None)
    (read,) = srread(path).content.get_image_measurement_groups()
    assert read.finding_sites[0].laterality.value == "7771000"
    assert dcmread(path).CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == OWN_SCHEME


@pytest.mark.parametrize(
    "change",
    [
        {"finding": None},
        {"finding": Code("X", OWN_SCHEME, "Something else")},
        {"finding": WANTED.labelled.segments[0].type._replace(meaning="Something else")},
        {"category": Code("X", OWN_SCHEME, "Something else")},
        {"site": Code("24136001", "SCT", "Hip joint")},
        {"side": "L"},
        {"words": ((Code("G", OWN_SCHEME, "Grouping"), Code("G1", OWN_SCHEME, "First group")),)},
        {"segment": 2},
        {"quantities": (Quantity(VOLUME, 0.1234, MILLIMETER), Quantity(DIAMETER, 12.5, MILLIMETER, MAXIMUM))},
        {"quantities": (Quantity(VOLUME, 0.1234, MILLILITER), Quantity(DIAMETER, 12.5, MILLIMETER))},
        {"quantities": (Quantity(VOLUME, 0.1234, MILLILITER),)},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_report_that_says_something_else_is_found_out(tmp_path: Path, change: dict[str, Any]) -> None:
    path, groups = write(tmp_path)
    (series,) = scan(tmp_path / "in")
    segmentation = dcmread(tmp_path / "a.seg.dcm")
    check_report(path, groups, series.headers, segmentation)
    with pytest.raises(SegmentationError, match=f"another in {next(iter(change))} of a group"):
        check_report(path, [replace(groups[0], **change), *groups[1:]], series.headers, segmentation)


def test_a_report_of_another_segmentation_or_patient_is_found_out(tmp_path: Path) -> None:
    path, groups = write(tmp_path)
    (series,) = scan(tmp_path / "in")
    segmentation = dcmread(tmp_path / "a.seg.dcm")
    with pytest.raises(SegmentationError, match="the number of its groups"):
        check_report(path, groups[:1], series.headers, segmentation)
    report = dcmread(path)
    report.PatientID = "another"
    report.save_as(tmp_path / "b.sr.dcm")
    with pytest.raises(SegmentationError, match="another in PatientID"):
        check_report(tmp_path / "b.sr.dcm", groups, series.headers, segmentation)
    segmentation.SOPInstanceUID = "1.2.3"
    with pytest.raises(SegmentationError, match="the instances to which a group refers"):
        check_report(path, groups, series.headers, segmentation)


def test_what_reads_back_otherwise_is_not_written(tmp_path: Path) -> None:
    path, groups = write(tmp_path)
    (series,) = scan(tmp_path / "in")
    (tmp_path / "a.sr.dcm").unlink()
    third = replace(groups[0], quantities=(Quantity(VOLUME, 1 / 3 * 1e-20, MILLILITER),), segment=None)
    bad = replace(third, quantities=(Quantity(VOLUME, float("nan"), MILLILITER),))
    with pytest.raises(SegmentationError):
        write_report([bad], series.headers, None, "Zones", WANTED.procedure, MODEL, path)
    assert not path.exists()
    write_report([third], series.headers, None, "Zones", WANTED.procedure, MODEL, path)
    whole, cut = path.read_bytes(), tmp_path / "b.sr.dcm"
    cut.write_bytes(whole[: whole.index(b"\x40\x00\x30\xa7")])  # before Content Sequence; the rest is sound DICOM
    with pytest.raises(SegmentationError, match="whole DICOM SR"):
        read_report(cut)
