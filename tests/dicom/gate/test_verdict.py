"""A sound series passes, fits a role or not; every reason code has its row on the page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from samples.dicom_series import make_slices, set_value, write_slices
from samples.plain_film import make_colour, make_film
from samples.roles import role

from fedbundle.dicom.gate.roles import CHOICE_CODES
from fedbundle.dicom.gate.rules import ROLE_CODES
from fedbundle.dicom.gate.verdict import GATE_CODES, Verdict, examine
from fedbundle.dicom.pixels.volume import ColourError, Volume
from fedbundle.dicom.series import scan
from fedbundle.site.examination import DATASET_CODES
from fedbundle.site.refusal import STUDY_CODES

Change = Callable[[list[Dataset]], None]


@pytest.fixture(scope="module")
def pelvis() -> dict[str, object]:
    """Role of an AP radiograph of the pelvis of an adult."""
    return role("ap_pelvis")


def judged(folder: Path, change: Change, wanted: dict[str, object] | None = None) -> Verdict:
    """Write a sound series after `change`, scan it and examine it."""
    slices = make_slices()
    change(slices)
    (series,) = scan(write_slices(folder, slices))
    return examine(series, wanted)


def every(keyword: str, value: object) -> Change:
    """Set an attribute in all slices."""
    return lambda slices: [set_value(image, keyword, value) for image in slices] and None


OF_RADIOGRAPHS = {"PLACEHOLDER_SPACING", "MISSING_GEOMETRY"}
ROLE = {"modality": "MR", "min_slices": 3}
UNFIT: dict[str, tuple[dict[str, object], Change]] = {
    "WRONG_MODALITY": ({"modality": "PT"}, lambda _: None),
    "WRONG_ORIENTATION": ({"orientation": "coronal"}, lambda _: None),
    "WRONG_DIFFUSION": ({"diffusion": False}, every("DiffusionBValue", 800.0)),
    "DERIVED": ({"original": True}, every("ImageType", ["DERIVED", "PRIMARY", "M"])),
    "WRONG_IMAGE_TYPE": ({"image_type": {"none": ["ADC"]}}, every("ImageType", ["ORIGINAL", "PRIMARY", "ADC"])),
    "WRONG_SEQUENCE": ({"scanning_sequence": {"any": ["SE"]}}, every("ScanningSequence", "GR")),
    "WRONG_ECHO_TIME": ({"echo_time_ms": {"min": 70}}, every("EchoTime", 12)),
    "WRONG_REPETITION_TIME": ({"repetition_time_ms": {"min": 1200}}, every("RepetitionTime", None)),
    "WRONG_PIXEL_SPACING": ({"pixel_spacing_mm": {"max": 0.8}}, lambda _: None),
    "WRONG_SLICE_STEP": ({"slice_step_mm": {"max": 2.5}}, lambda _: None),
    "WRONG_BODY_PART": ({"body_part": ["PELVIS"]}, lambda _: None),
    "WRONG_VIEW": ({"view": ["AP"]}, every("ViewPosition", "LL")),
    "WRONG_B_VALUE": ({"b_value": {"min": 700}}, every("DiffusionBValue", 50.0)),
    "WRONG_INVERSION_TIME": ({"inversion_time_ms": {"min": 1500}}, every("InversionTime", 200)),
    "NO_SUV": ({"pixels": "suvbw"}, every("Units", "BQML")),
    "NOT_CORRECTED": ({"corrected": ["ATTN", "DECY"]}, every("CorrectedImage", ["DECY", "SCAT"])),
    "AGE_OUT_OF_RANGE": ({"age_years": {"min": 18}}, every("PatientAge", "204M")),
    "WRONG_DESCRIPTION": ({"description": {"none": ["TSE_TRA"]}}, lambda _: None),
    "TOO_FEW_SLICES": ({"min_slices": 13}, lambda _: None),
}


@pytest.mark.parametrize("code", UNFIT)
def test_a_sound_series_that_does_not_fit_the_role_is_refused(code: str, tmp_path: Path) -> None:
    wanted, change = UNFIT[code]
    verdict = judged(tmp_path, change, ROLE | wanted)
    assert (verdict.used, verdict.code) == (False, code)
    assert verdict.detail


def test_a_series_that_names_no_body_part_is_admitted_unless_the_role_insists(tmp_path: Path) -> None:
    unnamed = every("BodyPartExamined", None)
    assert judged(tmp_path / "1", unnamed, ROLE | {"body_part": ["PELVIS"]}).used
    insisting = ROLE | {"body_part": ["PELVIS"], "body_part_required": True}
    assert judged(tmp_path / "2", unnamed, insisting).code == "WRONG_BODY_PART"


def test_every_rule_of_a_role_is_provoked() -> None:
    assert set(UNFIT) == {*ROLE_CODES, "WRONG_MODALITY"} - OF_RADIOGRAPHS


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "USED"),
        ({"Modality": "CR"}, "USED"),
        ({"Modality": "MG"}, "WRONG_MODALITY"),
        ({"BodyPartExamined": "CHEST"}, "WRONG_BODY_PART"),
        ({"BodyPartExamined": None}, "USED"),
        ({"ViewPosition": "LL"}, "WRONG_VIEW"),
        ({"SeriesDescription": "hip lateral"}, "WRONG_DESCRIPTION"),
        ({"PatientAge": "011Y"}, "AGE_OUT_OF_RANGE"),
        ({"PatientAge": None}, "USED"),  # born 1953, seen 2019
        ({"PatientAge": None, "PatientBirthDate": ""}, "AGE_OUT_OF_RANGE"),
        ({"PixelSpacing": [1, 1]}, "PLACEHOLDER_SPACING"),
        ({"PixelSpacing": None}, "USED"),  # Imager Pixel Spacing is there
        ({"PixelSpacing": None, "ImagerPixelSpacing": None}, "MISSING_GEOMETRY"),
        ({"BurnedInAnnotation": "YES"}, "BURNED_IN_ANNOTATION"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "SECONDARY_CAPTURE"),
    ],
)
def test_a_radiograph_is_one_image_without_a_place(
    change: dict[str, object], code: str, tmp_path: Path, pelvis: dict[str, object]
) -> None:
    film = make_film()
    for keyword, value in change.items():
        set_value(film, keyword, value)
    (series,) = scan(write_slices(tmp_path, [film]))
    assert examine(series, pelvis).code == code


def test_of_a_radiograph_all_is_told_that_the_site_may_override(tmp_path: Path, pelvis: dict[str, object]) -> None:
    film = make_film()
    film.PatientAge, film.PixelSpacing = "011Y", [1, 1]
    (series,) = scan(write_slices(tmp_path, [film]))
    verdict = examine(series, pelvis)
    assert verdict.code == "AGE_OUT_OF_RANGE"
    assert "; also PLACEHOLDER_SPACING: rows and columns are exactly 1 mm apart" in verdict.detail


def test_equal_channels_are_grey_where_the_role_says_so(tmp_path: Path, pelvis: dict[str, object]) -> None:
    (equal,) = scan(write_slices(tmp_path / "1", [make_colour(make_film())]))
    assert examine(equal, pelvis).used
    assert examine(equal, {**pelvis, "colour": None}).code == "NOT_GREYSCALE"
    volume = Volume.of(equal)
    assert (volume.array.shape, volume.spacing) == ((1, 40, 32), pytest.approx((0.14, 0.14, 1)))
    (different,) = scan(write_slices(tmp_path / "2", [make_colour(make_film(), difference=1)]))
    with pytest.raises(ColourError):
        Volume.of(different)


def test_malformed_values_refuse_and_never_raise(tmp_path: Path) -> None:
    def spoil(slices: list[Dataset]) -> None:
        for image in slices:
            image.add_new("EchoTime", "LO", "about 100")
            image.add_new("PixelSpacing", "LO", ["wide", "wider"])

    assert judged(tmp_path, spoil, ROLE).code == "MISSING_GEOMETRY"


def test_the_page_of_reason_codes_tells_each_of_them(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "reason-codes.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted({*GATE_CODES, *CHOICE_CODES, *STUDY_CODES, *DATASET_CODES})


def test_real_malformed_series_are_refused(testdata: Callable[[str], Path]) -> None:
    (missing,) = scan(testdata("prostate_mr/ProstateX-missing-slice"))
    (single,) = scan(testdata("prostate_mr/philips_single_slice"))
    assert examine(missing).code == "MISSING_SLICE"
    assert examine(single).code == "TOO_FEW_SLICES"


def test_a_real_sound_pet_with_uneven_beds_passes(testdata: Callable[[str], Path]) -> None:
    (series,) = scan(testdata("pet_ct/CCTH-A01_PET"))
    assert examine(series, {"modality": "PT", "min_slices": 100}).used
