"""Canaries at every depth and in every corner of a file; none may come out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage
from samples.oblique_series import oblique_series

from fedbundle.dicom.deid.deidentify import deidentify
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.pseudonyms import patient_pseudonym, pseudonym, pseudonym_uid
from fedbundle.dicom.deid.residuals import residuals
from fedbundle.errors import DicomError

KEY = bytes(range(32))
CANARY = "CANARYBIRD"
TEXT_VALUES = {
    "PN": f"{CANARY}^Vogel",
    "LO": CANARY,
    "SH": CANARY,
    "LT": CANARY,
    "ST": CANARY,
    "UT": CANARY,
    "UC": CANARY,
}
TEXT_VALUES |= {"AE": CANARY, "UR": CANARY, "DA": "20110707", "DT": "20110707101112", "AS": "063Y", "TM": "222324"}
TEXT_VALUES |= {"UI": "1.2.826.0.1.3680043.2.666.777"}
ALLOWED_TEXT = {"Manufacturer", "ManufacturerModelName", "ImagedNucleus", "ConvolutionKernel", "FilterType", "StackID"}
NEVER = (CANARY.encode(), b"Vogel", b"20110707", b"063Y", b"222324", b"3680043.2.666.777")


def plant(item: Dataset, depth: int) -> Dataset:
    """Put a canary into every text, date and UID attribute of PS3.6 that is absent, and go on inside sequences."""
    for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
        unplanted = vr not in TEXT_VALUES or not keyword or keyword in item or retired
        if not unplanted and tag >> 16 > 4 and keyword not in ALLOWED_TEXT | {"SpecificCharacterSet"}:
            item.add_new(tag, vr, TEXT_VALUES[vr])
    block = item.private_block(0x0029, f"{CANARY} HEADER", create=True)
    block.add_new(0x10, "OB", CANARY.encode())
    block.add_new(0x11, "PN", f"{CANARY}^Vogel")
    if depth:
        item.ReferencedImageSequence = [plant(Dataset(), depth - 1)]
        item.AnatomicRegionSequence = [plant(Dataset(), 0)]
        item.SharedFunctionalGroupsSequence = [plant(Dataset(), 0)]
    return item


def planted(path: Path) -> Path:
    image = oblique_series(1)[0]
    plant(image, 3)
    for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyDate", "StudyInstanceUID"):
        vr = image[keyword].VR
        image[keyword].value = TEXT_VALUES[vr]
    image.add_new(0x60003000, "OW", CANARY.encode())
    image.add_new(0x60000022, "LO", CANARY)
    image.add_new(0x50003000, "OW", CANARY.encode())
    image.ImageType = ["ORIGINAL", "PRIMARY", CANARY]  # a kept attribute that carries the patient's own name
    image.add_new(0x00180081, "LO", CANARY)  # EchoTime with a foreign representation
    image.PixelData += CANARY.encode()  # behind the last pixel
    image.preamble = CANARY.encode().ljust(128, b"\0")
    image.file_meta.SourceApplicationEntityTitle = CANARY
    image.file_meta.PrivateInformationCreatorUID = "1.2.826.0.1.3680043.2.666.777"
    image.file_meta.PrivateInformation = CANARY.encode()
    image.save_as(path, enforce_file_format=True)
    return path


def test_no_canary_survives_at_any_depth(tmp_path: Path) -> None:
    source = dcmread(planted(tmp_path / "source.dcm"))
    assert sum(element.tag.is_private for element in source.iterall()) > 20
    (tmp_path / "out").mkdir()
    deidentify(source, KEY).save_as(tmp_path / "out" / "a.dcm", enforce_file_format=True)
    content = (tmp_path / "out" / "a.dcm").read_bytes()
    assert [text for text in NEVER if text in content] == []
    assert residuals(tmp_path / "out", identifiers(source)) == []
    assert CANARY in identifiers(source)
    assert residuals(tmp_path, identifiers(source)) != []


def test_what_is_kept_is_image_geometry_and_physics(tmp_path: Path) -> None:
    source = oblique_series(2)[1]
    clean = deidentify(source, KEY)
    clean.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    clean = dcmread(tmp_path / "a.dcm")
    same = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime", "Manufacturer", "PixelData")
    assert {keyword: clean[keyword].value for keyword in same} == {keyword: source[keyword].value for keyword in same}
    assert clean.PatientIdentityRemoved == "YES" and clean.preamble == b"\0" * 128
    assert clean.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert str(clean.PatientName) == clean.PatientID == patient_pseudonym(source, KEY)
    assert (
        clean.file_meta.MediaStorageSOPInstanceUID == clean.SOPInstanceUID == pseudonym_uid(KEY, source.SOPInstanceUID)
    )
    assert not any(clean.get(keyword) for keyword in ("StudyDate", "PatientBirthDate", "AccessionNumber", "StudyID"))


def test_references_follow_their_objects() -> None:
    first, second = oblique_series(2)
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = first.SOPClassUID, first.SOPInstanceUID
    second.ReferencedImageSequence = [reference]
    clean = deidentify(second, KEY)
    assert clean.ReferencedImageSequence[0].ReferencedSOPInstanceUID == deidentify(first, KEY).SOPInstanceUID
    assert clean.ReferencedImageSequence[0].ReferencedSOPClassUID == first.SOPClassUID
    assert clean.SeriesInstanceUID.startswith("2.25.") and len(clean.SeriesInstanceUID) <= 64


def test_pseudonyms_are_stable_over_processes_and_useless_without_the_key() -> None:
    program = "from fedbundle.dicom.deid.pseudonyms import *; k = bytes(range(32)); print(pseudonym(k, 'patient', 'é'))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert told == pseudonym(KEY, "patient", "é") and len(told) == 16 and int(told, 16)
    assert pseudonym(bytes(32), "patient", "é") != told
    assert pseudonym(KEY, "a", "bc") != pseudonym(KEY, "ab", "c") != pseudonym(KEY, "abc")
    assert pseudonym_uid(KEY, "1.2.3") != pseudonym_uid(bytes(32), "1.2.3")
    with pytest.raises(ValueError, match="at least 16 bytes"):
        pseudonym(b"short", "a")


def test_unused_bits_and_compressed_frames_are_rewritten() -> None:
    image = oblique_series(1)[0]
    truth = np.frombuffer(image.PixelData, "<u2")
    image.PixelData = (truth | 0x8000).tobytes()  # an overlay plane in the bit above BitsStored
    assert np.array_equal(np.frombuffer(deidentify(image, KEY).PixelData, "<u2"), truth)
    image.PixelData = truth.tobytes()
    image.compress(RLELossless)
    clean = deidentify(image, KEY)
    assert (
        np.array_equal(np.frombuffer(clean.PixelData, "<u2"), truth)
        and not clean.file_meta.TransferSyntaxUID.is_compressed
    )
    image.PixelData = encapsulate([b"\0" * 64])
    with pytest.raises(DicomError, match="pixels must be readable"):
        deidentify(image, KEY)


def test_signed_pixels_keep_their_sign() -> None:
    image = oblique_series(1)[0]
    truth = np.frombuffer(image.PixelData, "<i2") - 300
    image.PixelRepresentation, image.PixelData = 1, (truth & 0x0FFF).astype("<u2").tobytes()
    assert np.array_equal(np.frombuffer(deidentify(image, KEY).PixelData, "<i2"), truth)


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [
        ("SOPClassUID", SecondaryCaptureImageStorage, "Secondary Capture"),
        ("SOPClassUID", "1.2.3.4.5.6.7.8.9", "another class"),
        ("BurnedInAnnotation", "YES", "BurnedInAnnotation"),
        ("SamplesPerPixel", 3, "grey-scale"),
        ("HighBit", 15, "HighBit"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(keyword: str, value: object, told: str) -> None:
    image = oblique_series(1)[0]
    setattr(image, keyword, value)
    with pytest.raises(DicomError, match=told) as caught:
        deidentify(image, KEY)
    assert "1.2.3.4" not in str(caught.value)


def test_an_image_without_patient_id_is_a_patient_of_its_own_study() -> None:
    one, other = oblique_series(1, seed="a")[0], oblique_series(1, seed="b")[0]
    assert patient_pseudonym(one, KEY) == patient_pseudonym(other, KEY)
    one.PatientID = other.PatientID = ""
    assert patient_pseudonym(one, KEY) != patient_pseudonym(other, KEY)
    del one.StudyInstanceUID
    with pytest.raises(DicomError, match="must name its patient"):
        patient_pseudonym(one, KEY)


def test_the_source_is_not_changed() -> None:
    image = oblique_series(1)[0]
    before = str(image)
    deidentify(image, KEY)
    assert str(image) == before and keyword_for_tag(Tag(0x00100010)) == "PatientName"


def test_a_private_b_value_moves_to_the_standard_element() -> None:
    image = oblique_series(1)[0]
    image.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "OB", b"400 ")
    assert deidentify(image, KEY).DiffusionBValue == 400
    image[0x0019, 0x100C].value = CANARY.encode()
    assert "DiffusionBValue" not in deidentify(image, KEY)
