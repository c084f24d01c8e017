"""Options of PS3.15 Annex E: each keeps what it names, nothing beside it, and says so in the image."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from samples.canaries import CORNERS, DEPTHS, Cage
from samples.dicom_series import Stack, make_slices

from fedbundle.dicom.deid.dates import shifted
from fedbundle.dicom.deid.deidentify import deidentify
from fedbundle.dicom.deid.descriptors import cleaned
from fedbundle.dicom.deid.options import Options
from fedbundle.site.residual import source_identifiers

KEY = bytes(range(32))
ALL = Options(**dict.fromkeys(vars(Options()), True))


def image(patient: str = "PAT-1", **attributes: object) -> Dataset:
    """One MR slice."""
    (made,) = make_slices(Stack(slices=1))
    made.PatientID, made.PatientName = patient, "Vogel^Berta"
    made.StudyDate, made.SeriesDate, made.StudyTime = "20240228", "20240301", "101112"
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def codes(made: Dataset) -> list[str]:
    return [item.CodeValue for item in made.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("clean_descriptors", "113105"),
        ("retain_shifted_dates", "113107"),
        ("retain_device_identity", "113109"),
        ("retain_safe_private", "113111"),
    ],
)
def test_the_image_tells_which_options_were_used(option: str, code: str) -> None:
    assert codes(deidentify(image(), KEY)) == ["113100"]
    assert codes(deidentify(image(), KEY, Options(**{option: True}))) == ["113100", code]


def test_only_pixels_at_which_a_person_has_looked_are_called_clean() -> None:
    declared = deidentify(image(BurnedInAnnotation="NO"), KEY)
    looked_at = deidentify(image(), KEY, reviewed=True)
    assert (codes(declared), codes(looked_at)) == (["113100"], ["113100", "113101"])
    assert looked_at.BurnedInAnnotation == "NO"


def test_dates_move_together_to_a_day_that_is_nobodys() -> None:
    options = Options(retain_shifted_dates=True)
    source = image(AcquisitionDateTime="20240228101112.5+0100", ContentDate="20240231", PatientBirthDate="19500102")
    first, later = deidentify(source, KEY, options), deidentify(image(StudyDate="20240310"), KEY, options)
    assert [int(first.StudyDate[:4]) > 2123, first.StudyTime] == [True, ""]
    assert first.AcquisitionDateTime == first.StudyDate
    assert first.SeriesDate == shifted(first.StudyDate, 2)  # 2024 has a 29th of February
    assert later.StudyDate == shifted(first.StudyDate, 11)
    assert (first.ContentDate, first.PatientBirthDate) == ("19000101", "")  # malformed; never
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    assert deidentify(image("PAT-2"), KEY, options).StudyDate != first.StudyDate
    assert deidentify(image(), bytes(32), options).StudyDate != first.StudyDate


@pytest.mark.parametrize("text", ["", "20240230", "99991231", "2024", "20240228T", "24/02/28"])
def test_what_is_no_day_is_not_shifted(text: str) -> None:
    assert shifted(text, 40_000) is None


def test_a_scanner_is_told_unless_its_name_tells_the_patient() -> None:
    named = image(StationName="MR3", DeviceSerialNumber="45012", SoftwareVersions=["VE11", "Vogel special"])
    kept = deidentify(named, KEY, Options(retain_device_identity=True))
    assert (kept.StationName, kept.DeviceSerialNumber) == ("MR3", "45012")
    assert "SoftwareVersions" not in kept
    assert not {"StationName", "DeviceSerialNumber"} & {element.keyword for element in deidentify(named, KEY)}


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ("t2_tse_tra_320_p2 Vogel", "t2 tse tra"),
        ("AX T2 FRFSE 3.0T 2024-02-28 Dr. Huber", "ax t2 3.0t"),
        ("ep2d_diff_b50_400_800", "ep2d diff b50"),
        ("Vogel, Berta", ""),
        ("", ""),
    ],
)
def test_of_a_description_technical_words_are_left(told: str, left: str) -> None:
    assert cleaned(told) == left
    kept = deidentify(image(SeriesDescription=told), KEY, Options(clean_descriptors=True))
    assert kept.SeriesDescription == left


def test_of_private_elements_the_listed_numbers_are_left() -> None:
    source = image()
    siemens = source.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    siemens.add_new(0x0C, "UN", b"800 ")
    siemens.add_new(0x0D, "CS", "VOGEL")
    philips = source.private_block(0x7053, "Philips PET Private Group", create=True)
    philips.add_new(0x00, "DS", "0.000512")
    philips.add_new(0x09, "LO", "Vogel^Berta")  # where a number belongs
    united = source.private_block(0x0065, "Image Private Header", create=True)
    united.add_new(0x09, "FD", 12345678.0)  # no b-value is so large; it is the patient's
    source.private_block(0x2001, "VOGEL", create=True).add_new(0x03, "FL", 800.0)
    kept = deidentify(source, KEY, Options(retain_safe_private=True))
    private = {element.tag: element.value for element in kept if element.tag.is_private}
    assert private == {
        0x00190010: "SIEMENS MR HEADER",
        0x0019100C: 800,
        0x70530010: "Philips PET Private Group",
        0x70531000: 0.000512,
    }
    assert not any(element.tag.is_private for element in deidentify(source, KEY))


@pytest.mark.parametrize("place", [*DEPTHS, CORNERS])
def test_no_canary_survives_all_options_but_the_scanner(place: int | str, tmp_path: Path) -> None:
    cage = Cage(place)
    source = dcmread(cage.write(tmp_path / "source"))
    deidentify(source, KEY, ALL).save_as(tmp_path / "clean", enforce_file_format=True)
    survivors = {what.split(",")[0].split()[0] for what in cage.survivors(tmp_path / "clean")}
    assert survivors <= ALL.device


def test_the_last_search_knows_what_may_be_found(tmp_path: Path) -> None:
    from fedbundle.dicom.series import Series

    named = image(StationName="RADIOLOGY3", DeviceSerialNumber="45012")
    series = Series.of([(named, tmp_path, None)])
    assert {"RADIOLOGY3", "45012"} <= source_identifiers([series])
    left = source_identifiers([series], ALL.device)
    assert not {"RADIOLOGY3", "45012"} & left
    assert {"20240228", "PAT-1", "Vogel^Berta"} <= left


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
def test_an_independent_validator_finds_no_new_error(tmp_path: Path) -> None:
    source = image(StationName="MR3", SeriesDescription="t2 tse tra", ProtocolName="t2")
    made = {"source": source, "clean": deidentify(source, KEY, ALL, reviewed=True)}
    errors = {}
    for name, each in made.items():
        each.save_as(tmp_path / name, enforce_file_format=True)
        told = subprocess.run(["dciodvfy", str(tmp_path / name)], capture_output=True, text=True).stderr
        errors[name] = {line for line in told.splitlines() if line.startswith("Error")}
    assert errors["clean"] <= errors["source"]
