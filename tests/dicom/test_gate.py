"""Every reason code of the gate is provoked on real files, and a sound series passes."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML, EnhancedMRImageStorage, SecondaryCaptureImageStorage
from samples.dicom_series import NAME, Stack, make_slices, set_value, write_slices

from fedbundle.dicom.gate import GATE_CODES, SOUNDNESS_CODES, Verdict, examine
from fedbundle.dicom.roles import CHOICE_CODES
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


def mpeg(slices: list[Dataset]) -> None:
    for image in slices:
        image.file_meta.TransferSyntaxUID = MPEG2MPML
        image.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"


def cut(slices: list[Dataset]) -> None:
    for image in slices:
        image.Rows = image.Columns = 64


def wider(slices: list[Dataset]) -> None:
    slices[3].Columns, slices[3].Rows = 12, 10


def huge(slices: list[Dataset]) -> None:
    for image in slices:
        image.Rows = image.Columns = 65535


def drift(slices: list[Dataset]) -> None:
    for number, image in enumerate(slices):
        image.ImagePositionPatient[0] += 0.4 * number


UNSOUND: dict[str, Change] = {
    "NOT_AN_IMAGE": every("Rows", None),
    "SECONDARY_CAPTURE": one("SOPClassUID", SecondaryCaptureImageStorage),
    "MULTI_FRAME": every("SOPClassUID", EnhancedMRImageStorage),
    "UNKNOWN_TRANSFER_SYNTAX": mpeg,
    "BURNED_IN_ANNOTATION": one("BurnedInAnnotation", "YES"),
    "LOCALIZER": every("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "MOSAIC": every("ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]),
    "NOT_GREYSCALE": every("PhotometricInterpretation", "PALETTE COLOR"),
    "MISSING_GEOMETRY": one("ImagePositionPatient", None),
    "INVALID_GEOMETRY": every("PixelSpacing", [0, 0]),
    "TOO_LARGE": huge,
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
    verdict = judged(tmp_path, UNSOUND[code])
    assert (verdict.used, verdict.code) == (False, code)
    assert verdict.detail
    assert NAME.split("^")[0] not in verdict.detail


def test_every_code_of_the_gate_is_provoked() -> None:
    assert set(UNSOUND) == set(SOUNDNESS_CODES)


def test_a_sound_series_passes_whatever_its_direction_and_small_jitter(tmp_path: Path) -> None:
    def jitter(slices: list[Dataset]) -> None:
        for number, image in enumerate(slices):
            image.ImagePositionPatient[2] += 0.03 * (-1) ** number

    assert judged(tmp_path / "jitter", jitter).used
    for number, stack in enumerate((Stack(step=-3), Stack(turn=(30, 0, 0)), Stack(turn=(0, 90, 90)))):
        (series,) = scan(write_slices(tmp_path / str(number), make_slices(stack)))
        assert examine(series) == Verdict(True, "USED", "sound")


ROLE = {"modality": "MR", "min_slices": 3}
UNFIT: dict[str, tuple[dict[str, object], Change]] = {
    "WRONG_MODALITY": ({"modality": "PT"}, lambda _: None),
    "WRONG_ORIENTATION": ({"orientation": "coronal"}, lambda _: None),
    "WRONG_DIFFUSION": ({"diffusion": False}, every("DiffusionBValue", 800.0)),
    "DERIVED": ({"original": True}, one("ImageType", ["DERIVED", "PRIMARY", "M"])),
    "WRONG_IMAGE_TYPE": ({"image_type": {"none": ["ADC"]}}, every("ImageType", ["ORIGINAL", "PRIMARY", "ADC"])),
    "WRONG_SEQUENCE": ({"scanning_sequence": {"any": ["SE"]}}, every("ScanningSequence", "GR")),
    "WRONG_ECHO_TIME": ({"echo_time_ms": {"min": 70}}, every("EchoTime", 12)),
    "WRONG_REPETITION_TIME": ({"repetition_time_ms": {"min": 1200}}, every("RepetitionTime", None)),
    "WRONG_PIXEL_SPACING": ({"pixel_spacing_mm": {"max": 0.8}}, lambda _: None),
    "WRONG_SLICE_STEP": ({"slice_step_mm": {"max": 2.5}}, lambda _: None),
    "WRONG_BODY_PART": ({"body_part": ["PELVIS"]}, lambda _: None),
    "WRONG_DESCRIPTION": ({"description": {"none": ["TSE_TRA"]}}, lambda _: None),
    "TOO_FEW_SLICES": ({"min_slices": 13}, lambda _: None),
}


@pytest.mark.parametrize("code", UNFIT)
def test_a_sound_series_that_does_not_fit_the_role_is_refused(code: str, tmp_path: Path) -> None:
    wanted, change = UNFIT[code]
    verdict = judged(tmp_path, change, ROLE | wanted)
    assert (verdict.used, verdict.code) == (False, code)
    assert verdict.detail


def test_a_series_that_names_no_body_part_is_admitted(tmp_path: Path) -> None:
    assert judged(tmp_path, every("BodyPartExamined", None), ROLE | {"body_part": ["PELVIS"]}).used


def test_malformed_values_refuse_and_never_raise(tmp_path: Path) -> None:
    def spoil(slices: list[Dataset]) -> None:
        for image in slices:
            image.add_new("EchoTime", "LO", "about 100")
            image.add_new("PixelSpacing", "LO", ["wide", "wider"])

    assert judged(tmp_path, spoil, ROLE).code == "MISSING_GEOMETRY"


def test_the_page_of_reason_codes_tells_each_of_them(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "reason-codes.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted({*GATE_CODES, *CHOICE_CODES, *STUDY_CODES})


def test_real_malformed_series_are_refused(testdata: Callable[[str], Path]) -> None:
    (missing,) = scan(testdata("prostate_mr/ProstateX-missing-slice"))
    (single,) = scan(testdata("prostate_mr/philips_single_slice"))
    assert examine(missing).code == "MISSING_SLICE"
    assert examine(single).code == "TOO_FEW_SLICES"


def test_a_real_sound_pet_with_uneven_beds_passes(testdata: Callable[[str], Path]) -> None:
    (series,) = scan(testdata("pet_ct/CCTH-A01_PET"))
    assert examine(series, {"modality": "PT", "min_slices": 100}).used
