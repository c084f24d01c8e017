"""The unit of an ADC map is read from what vendors write, or told by its voxels, or refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from samples.dicom_series import Stack, make_slices, set_value, write_slices
from samples.multi_frame import multi_frame

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.quantities.adc import adc_scale, unit_factor
from fedbundle.dicom.quantities.quantity import QuantityError, Scale
from fedbundle.dicom.series import scan

Change = Callable[[list[Dataset]], None]
STACK = Stack(slices=4, origin=(0.0, 0.0, -360.0))
MEDIAN = 1244.0  # of its stored pixels


def judged(folder: Path, change: Change, stack: Stack = STACK) -> tuple[Scale, float]:
    """What was found, and the median of the map by it."""
    slices = make_slices(stack)
    change(slices)
    (series,) = scan(write_slices(folder, slices))
    pixels = Volume.of(series).array
    found = adc_scale(series, pixels)
    return found, float(np.median(pixels * found.factor + found.offset))


def mapped(unit: str, slope: float, intercept: float = 0.0) -> Change:
    """A Real World Value Mapping from stored pixels."""

    def change(slices: list[Dataset]) -> None:
        for image in slices:
            code, mapping = Dataset(), Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = unit, "UCUM", unit
            mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, intercept
            mapping.MeasurementUnitsCodeSequence = [code]
            image.RealWorldValueMappingSequence = [mapping]

    return change


def every(keyword: str, value: object) -> Change:
    def change(slices: list[Dataset]) -> None:
        for image in slices:
            set_value(image, keyword, value)

    return change


def two_units(slices: list[Dataset]) -> None:
    mapped("mm2/s", 1e-6)(slices)
    mapped("mm2/s", 2e-6)(slices[:2])


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("mm2/s", 1e6),
        ("10*-6.mm2/s", 1.0),
        ("10^-6 mm^2/s", 1.0),
        ("x 10-3 mm²/s", 1e3),
        ("1E-3 mm2/s", 1e3),
        ("1.0e-06 mm2/sec", 1.0),
        ("um2/s", 1.0),
        ("µm²/s", 1.0),
        ("10*-9.m2/s", 1e3),
        ("10*-5.cm2/s", 1e3),
        ("s/mm2", None),
        ("US", None),
        ("", None),
        ("mm2", None),
    ],
)
def test_units_are_read_as_vendors_write_them(unit: str, factor: float | None) -> None:
    assert unit_factor(unit) == factor


def test_a_real_siemens_map_without_any_unit_is_in_millionths(testdata: Callable[[str], Path]) -> None:
    (series,) = (each for each in scan(testdata("prostate_mr/ProstateX-0000")) if "ADC" in each.first.ImageType)
    found = adc_scale(series, Volume.of(series).array)
    assert (found.factor, found.offset, found.by) == (1.0, 0.0, "the range of soft tissue")


@pytest.mark.parametrize(
    ("change", "slope", "by"),
    [
        (every("RescaleType", "US"), 1.0, "the range of soft tissue"),
        (every("RescaleType", "US"), 1e-3, "the range of soft tissue"),
        (every("RescaleType", "10^-6 mm^2/s"), 1.0, "Rescale Type"),
        (every("RescaleType", "mm2/s"), 1e-6, "Rescale Type"),
        (mapped("mm2/s", 1e-6), 1.0, "Real World Value Mapping"),
        (mapped("10*-3.mm2/s", 1e-3), 1.0, "Real World Value Mapping"),
    ],
)
def test_any_unit_becomes_millionths(change: Change, slope: float, by: str, tmp_path: Path) -> None:
    def stored(slices: list[Dataset]) -> None:
        for image in slices:
            image.RescaleSlope = slope
        change(slices)

    found, median = judged(tmp_path, stored)
    assert (found.quantity, found.units, found.by) == ("ADC", "10*-6.mm2/s", by)
    assert median == pytest.approx(MEDIAN, abs=4)


def test_a_mapping_is_from_stored_pixels_and_not_from_rescaled_ones(tmp_path: Path) -> None:
    stack = Stack(slices=4, origin=STACK.origin, slope=4.0, intercept=-96.0)  # pixels are 4 * stored - 96
    found, median = judged(tmp_path / "1", mapped("10*-6.mm2/s", 4.0, -96.0), stack)
    assert (found.factor, found.offset) == (1.0, 0.0)
    assert median == pytest.approx(MEDIAN, abs=4)
    found, _ = judged(tmp_path / "2", mapped("mm2/s", 8e-6, 0.0), stack)
    assert found.factor == pytest.approx(2.0)
    assert found.offset == pytest.approx(192.0)


def test_a_mapping_in_the_functional_groups_of_an_enhanced_image_is_found(tmp_path: Path) -> None:
    slices = make_slices(STACK)
    mapped("10*-3.mm2/s", 1e-3)(slices)
    image = multi_frame(slices)
    image.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = image.RealWorldValueMappingSequence
    del image.RealWorldValueMappingSequence
    (series,) = scan(write_slices(tmp_path, [image]))
    assert adc_scale(series, Volume.of(series).array).by == "Real World Value Mapping"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (every("RescaleSlope", 0.1), "median of 124 is no tissue's"),  # 1e-5 mm2/s, or cut off: nobody can say
        (every("PixelData", bytes(240)), "no voxel is above 0"),
        (every("RescaleType", "mm2/s"), "by Rescale Type the median is"),
        (mapped("mm2/s", 1e-2), "by Real World Value Mapping the median is"),
        (lambda slices: mapped("mm2/s", 1e-6)(slices[:2]), "some slices name a unit"),
        (two_units, "unit differs"),
    ],
)
def test_a_unit_that_cannot_be_told_refuses(change: Change, detail: str, tmp_path: Path) -> None:
    with pytest.raises(QuantityError) as caught:
        judged(tmp_path, change)
    assert caught.value.reason == "NO_ADC_UNIT"
    assert detail in caught.value.detail
