"""SUVbw follows QIBA's rules: each of them on synthetic headers, all of them on a real PET."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from samples.dicom_series import Stack, set_value, write_slices
from samples.pet_series import DOSE_BQ, FACTOR, HALF_LIFE_S, WEIGHT_KG, make_pet

from fedbundle.dicom.header import tolerant
from fedbundle.dicom.quantities.quantity import QuantityError, Scale
from fedbundle.dicom.quantities.suv import suv_scale
from fedbundle.dicom.series import scan

Change = dict[str, object]
STACK = Stack(slices=4)
SYRINGE = ("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime")
OF_INJECTION = (*SYRINGE, "RadionuclideTotalDose", "RadionuclideHalfLife")


def scale(folder: Path, change: Change, prepare: Callable[[list[Dataset]], None] = lambda _: None) -> Scale:
    slices = make_pet(STACK)
    with tolerant():  # some values are malformed
        for image in slices:
            for keyword, value in change.items():
                target = image.RadiopharmaceuticalInformationSequence[0] if keyword in OF_INJECTION else image
                set_value(target, keyword, value)
        prepare(slices)
        (series,) = scan(write_slices(folder, slices))
    return suv_scale(series)


def philips(elements: dict[int, str], creator: str = "Philips PET Private Group") -> Callable[[list[Dataset]], None]:
    def prepare(slices: list[Dataset]) -> None:
        for image in slices:
            block = image.private_block(0x7053, creator, create=True)
            for element, factor in elements.items():
                block.add_new(element, "DS", factor)

    return prepare


def test_a_real_pet_of_seven_beds_has_its_known_factor(testdata: Callable[[str], Path]) -> None:
    (series,) = scan(testdata("pet_ct/CCTH-A01_PET"))
    found = suv_scale(series)
    assert found.factor == pytest.approx(2.557644e-4, rel=1e-6)
    assert (found.units, found.by) == ("g/ml", "Decay Correction START, series time")


@pytest.mark.parametrize(
    ("change", "factor", "by"),
    [
        ({}, FACTOR, "Decay Correction START, series time"),
        ({"DecayCorrection": "ADMIN"}, FACTOR / 2, "Decay Correction ADMIN"),
        ({"Units": "GML"}, 1.0, "Units GML"),
        ({"Units": "GML", "SUVType": "BW"}, 1.0, "Units GML"),
        # the series was made an hour after the scan
        ({"SeriesTime": "124946"}, FACTOR, "Decay Correction START, earliest acquisition time"),
        ({"SeriesDate": "20190824"}, FACTOR, "Decay Correction START, earliest acquisition time"),
        ({"SeriesTime": None}, FACTOR, "Decay Correction START, earliest acquisition time"),
        # the first bed an hour after the start of the scan, to which it was corrected
        ({"AcquisitionTime": "124946.000"}, FACTOR, "Decay Correction START, series time"),
        ({"SeriesTime": "1149.46"}, FACTOR, "Decay Correction START, earliest acquisition time"),  # malformed
        # injected before midnight
        (
            {"SeriesTime": "003000", "AcquisitionTime": "003000", "RadiopharmaceuticalStartTime": "224014"},
            FACTOR,
            "Decay Correction START, series time",
        ),
        # a whole date goes before the time of day
        (
            {"RadiopharmaceuticalStartDateTime": "20190823080000.00"},
            FACTOR * 2 ** (7200 / HALF_LIFE_S),
            "Decay Correction START, series time",
        ),
        (
            {"RadiopharmaceuticalStartDateTime": "20190823090000+0100", "TimezoneOffsetFromUTC": "+0200"},
            FACTOR,
            "Decay Correction START, series time",
        ),
    ],
)
def test_the_factor_is_that_of_hand_calculation(change: Change, factor: float, by: str, tmp_path: Path) -> None:
    found = scale(tmp_path, change)
    assert (found.quantity, found.units, found.by) == ("SUVbw", "g/ml", by)
    assert found.factor == pytest.approx(factor, rel=1e-9)


def test_beds_have_times_of_their_own_and_the_first_one_counts(tmp_path: Path) -> None:
    def beds(slices: list[Dataset]) -> None:
        for number, image in enumerate(slices):
            image.AcquisitionTime = f"{115246 - number * 100}"
            image.SeriesTime = "170000"

    assert scale(tmp_path, {}, beds).factor == pytest.approx(FACTOR, rel=1e-9)


def test_ge_tells_the_start_of_the_scan_itself(tmp_path: Path) -> None:
    def private(slices: list[Dataset]) -> None:
        for image in slices:
            image.SeriesTime, image.AcquisitionTime = "170000", "115946"
            image.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20190823114946.00")

    found = scale(tmp_path, {}, private)
    assert found.by == "Decay Correction START, GE scan time"
    assert found.factor == pytest.approx(FACTOR, rel=1e-9)


@pytest.mark.parametrize(
    ("factors", "wanted"),
    [
        ({0x00: "0.000551", 0x09: "1.3"}, 0.000551),
        ({0x09: "1.3"}, 1.3 * FACTOR),
        ({0x00: "0.0", 0x09: "1.3"}, 1.3 * FACTOR),  # zero stands for "none"
    ],
)
def test_philips_counts_have_private_factors(factors: dict[int, str], wanted: float, tmp_path: Path) -> None:
    assert scale(tmp_path, {"Units": "CNTS"}, philips(factors)).factor == pytest.approx(wanted, rel=1e-9)


def test_a_philips_factor_needs_its_creator(tmp_path: Path) -> None:
    with pytest.raises(QuantityError, match="neither Philips scale factor"):
        scale(tmp_path, {"Units": "CNTS"}, philips({0x00: "0.000551"}, "Another Private Group"))


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"PatientWeight": None}, "Patient's Weight is not given"),
        ({"PatientWeight": 0}, "Patient's Weight is zero"),
        ({"PatientWeight": 75000}, "Patient's Weight is not within 0.5 to 650 kg"),
        ({"RadionuclideTotalDose": None}, "Radionuclide Total Dose is not given"),
        ({"RadionuclideTotalDose": 0}, "Radionuclide Total Dose is zero"),
        ({"RadionuclideTotalDose": 300}, "Radionuclide Total Dose is not within 100000 to 1e+11 Bq"),  # in MBq
        ({"RadionuclideHalfLife": None}, "Radionuclide Half Life is not given"),
        ({"RadionuclideHalfLife": 0}, "Radionuclide Half Life is zero"),
        ({"RadionuclideHalfLife": 4070}, "is 4070 s, and that of the nuclide is 6586.2 s"),
        ({"RadiopharmaceuticalStartTime": None}, "neither Radiopharmaceutical Start DateTime nor Start Time"),
        ({"RadiopharmaceuticalStartDateTime": "yesterday"}, "Start DateTime is malformed"),
        ({"RadiopharmaceuticalStartDateTime": "20190823120000"}, "the injection lies after the scan"),
        ({"RadiopharmaceuticalStartDateTime": "20190821120000"}, "26.1 half-lives between injection and scan"),
        ({"RadiopharmaceuticalInformationSequence": None}, "Radiopharmaceutical Information Sequence is not given"),
        ({"AcquisitionTime": None}, "Acquisition Date or Time is not given"),
        ({"DecayCorrection": "NONE"}, "Decay Correction is NONE"),
        ({"DecayCorrection": None}, "Decay Correction is neither START nor ADMIN"),
        ({"CorrectedImage": ["DECY"]}, "not corrected for attenuation"),
        ({"CorrectedImage": None}, "not corrected for attenuation and decay"),
        ({"Units": None}, "Units is not given"),
        ({"Units": "PROPCPS"}, "Units is none of BQML, GML, CNTS"),
        ({"Units": "GML", "SUVType": "LBM"}, "another SUV Type than BW"),
        ({"Units": "CNTS"}, "neither Philips scale factor"),
        ({"DecayFactor": 1.3}, "Decay Factor is 1.29 times"),
    ],
)
def test_what_is_missing_is_told(change: Change, detail: str, tmp_path: Path) -> None:
    with pytest.raises(QuantityError) as caught:
        scale(tmp_path, change)
    assert caught.value.reason == "NO_SUV"
    assert detail in caught.value.detail
    assert str(change.get("PatientWeight") or "no weight") not in caught.value.detail


@pytest.mark.parametrize("factor", [1.00633, 1.0, 0])  # decay during 120 s; not told
def test_a_decay_factor_that_agrees_refuses_nothing(factor: float, tmp_path: Path) -> None:
    assert scale(tmp_path, {"DecayFactor": factor}).factor == pytest.approx(FACTOR, rel=1e-9)


def test_values_that_differ_between_slices_refuse(tmp_path: Path) -> None:
    def other(slices: list[Dataset]) -> None:
        slices[1].PatientWeight = WEIGHT_KG + 1

    with pytest.raises(QuantityError, match="differ between slices"):
        scale(tmp_path, {}, other)


def test_the_synthetic_pet_is_injected_one_half_life_before_the_scan() -> None:
    assert pytest.approx(WEIGHT_KG * 1000 / DOSE_BQ * 2) == FACTOR
