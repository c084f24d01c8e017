"""Every reason code of the gate is provoked on real files, and a sound series passes."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML, EnhancedMRImageStorage, SecondaryCaptureImageStorage
from samples.dicom_series import NAME, Stack, make_slices, set_value, write_slices

from fedbundle.dicom.gate import GATE_CODES, SOUNDNESS_CODES, Verdict, examine
from fedbundle.dicom.refusal_codes import REASON_CODES
from fedbundle.dicom.roles import CHOICE_CODES
from fedbundle.dicom.rules import ROLE_CODES
from fedbundle.dicom.series import scan
from fedbundle.site.refusal import STUDY_CODES

Change = Callable[[list[Dataset]], None]


def judged(folder: Path, change: Change, role: dict[str, object] | None = None) -> Verdict:
    """Write a sound series after `change`, scan it and examine it."""
    slices = make_slices()
    change(slices)
    (series,) = scan(write_slices(folder, slices))
    return examine(series, role)


def every(keyword: str, value: object) -> Change:
    """Set an attribute in all slices."""
    return lambda slices: [set_value(image, keyword, value) for image in slices] and None


def one(keyword: str, value: object) -> Change:
    """Set an attribute in the fourth slice."""
    return lambda slices: set_value(slices[3], keyword, value)


def each(keyword: str, value: Callable[[int], object]) -> Change:
    """Set an attribute in each slice by its number."""
    return lambda slices: [set_value(image, keyword, value(i)) for i, image in enumerate(slices)] and None


def twice(offset: float) -> Change:
    """Add a copy of the fourth slice with an own UID, `offset` mm further along the normal."""

    def change(slices: list[Dataset]) -> None:
        extra = copy.deepcopy(slices[3])
        extra.SOPInstanceUID = f"{extra.SOPInstanceUID}.7"
        extra.ImagePositionPatient[2] += offset
        slices.append(extra)

    return change


def all_twice(slices: list[Dataset]) -> None:
    for image in list(slices):
        extra = copy.deepcopy(image)
        extra.SOPInstanceUID = f"{extra.SOPInstanceUID}.7"
        slices.append(extra)


def three_b_values(slices: list[Dataset]) -> None:
    all_twice(slices)
    for number, image in enumerate(slices):
        block = image.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "OB", b"50" if number < 12 else b"800 ")


def enhanced(slices: list[Dataset]) -> None:
    every("SOPClassUID", EnhancedMRImageStorage)(slices)


def mpeg(slices: list[Dataset]) -> None:
    for image in slices:
        image.file_meta.TransferSyntaxUID = MPEG2MPML
        image.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"


def cut(slices: list[Dataset]) -> None:
    slices[3].PixelData = slices[3].PixelData[:20]


def wider(slices: list[Dataset]) -> None:
    slices[3].Columns, slices[3].Rows = 12, 10


def drift(slices: list[Dataset]) -> None:
    for number, image in enumerate(slices):
        image.ImagePositionPatient[0] += 0.4 * number


UNSOUND: dict[str, Change] = {
    "NOT_AN_IMAGE": every("Rows", None),
    "SECONDARY_CAPTURE": one("SOPClassUID", SecondaryCaptureImageStorage),
    "MULTI_FRAME": enhanced,
    "UNKNOWN_TRANSFER_SYNTAX": mpeg,
    "BURNED_IN_ANNOTATION": one("BurnedInAnnotation", "YES"),
    "LOCALIZER": every("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "MOSAIC": every("ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]),
    "NOT_GREYSCALE": every("PhotometricInterpretation", "PALETTE COLOR"),
    "MISSING_GEOMETRY": one("ImagePositionPatient", None),
    "INVALID_GEOMETRY": every("PixelSpacing", [0, 0]),
    "TOO_LARGE": every("Rows", 65535),
    "TRUNCATED_FILE": cut,
    "DUPLICATE_INSTANCE": lambda slices: slices.append(slices[3]),
    "MIXED_FRAME_OF_REFERENCE": one("FrameOfReferenceUID", "1.2.3.4.5.6.7.8"),
    "MIXED_ORIENTATION": one("ImageOrientationPatient", [0, 1, 0, 0, 0, -1]),
    "MIXED_MATRIX": wider,
    "MIXED_PIXEL_SPACING": one("PixelSpacing", [0.9, 0.8]),
    "MIXED_PIXEL_FORMAT": one("PixelRepresentation", 1),
    "MULTI_B_VALUE": three_b_values,
    "MULTI_ECHO": each("EchoTime", lambda number: 20 + number % 2 * 60),
    "REPEATED_POSITIONS": all_twice,
    "DUPLICATE_SLICE": twice(0.0),
    "TOO_FEW_SLICES": lambda slices: slices.__delitem__(slice(2, None)),
    "MISSING_SLICE": lambda slices: slices.__delitem__(5),
    "UNEQUAL_SLICE_SPACING": twice(1.3),
    "SHEARED_STACK": drift,
}


@pytest.mark.parametrize("code", UNSOUND)
def test_what_is_no_sound_volume_is_refused(code: str, tmp_path: Path) -> None:
    if code == "TOO_LARGE":
        pytest.skip("has its own test")
    verdict = judged(tmp_path, UNSOUND[code])
    assert (verdict.used, verdict.code) == (False, code)
    assert verdict.detail
    assert NAME.split("^")[0] not in verdict.detail


def test_every_code_of_the_gate_is_provoked() -> None:
    assert set(UNSOUND) == set(SOUNDNESS_CODES)
