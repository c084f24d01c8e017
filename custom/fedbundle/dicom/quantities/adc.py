"""Apparent diffusion coefficient of an ADC map in 1e-6 mm2/s, whatever unit the vendor stores.

The unit is that of the Real World Value Mapping (PS3.3 C.7.6.16.2.11), else that of Rescale Type (C.11.1), else the
only one of the usual three in which soft tissue has a possible ADC. Siemens Skyra maps tell no unit and hold
1e-6 mm2/s; free water at 37 degrees C has about 3000 of these.
"""

import re
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.dicom.header import items, number, text, tolerant
from fedbundle.dicom.quantities.quantity import QuantityError, Scale
from fedbundle.dicom.series import Series

UNITS = "10*-6.mm2/s"  # UCUM
SOFT_TISSUE = (300.0, 3500.0)  # median of positive voxels, 1e-6 mm2/s; less than 1000-fold apart, so one unit at most
CONTRADICTION = 10.0  # so many times outside of SOFT_TISSUE, a unit that the header names is not believed
USUAL = {"1e-6 mm2/s": 1.0, "1e-3 mm2/s": 1e3, "mm2/s": 1e6}
SAME = 1e-6  # relative difference of what slices tell
# "10*-6.mm2/s", "x 10^-6 mm^2/s", "1E-3 mm2/s", "um2/s"
UNIT = re.compile(r"(?:[x*]?(?:10[*^]*|1(?:\.0*)?e)([+-]?\d+)[.*x]?)?\(?([mcu]?m)\^?2\)?(?:/s(?:ec)?|\.?s\^?-1)")
POWER = {"m": 12, "cm": 8, "mm": 6, "um": 0}  # 1 m2/s is 1e12 of 1e-6 mm2/s
PLAIN = str.maketrans({"²": "2", "µ": "u", "μ": "u", " ": "", "{": "", "}": ""})

unknown = partial(QuantityError, "NO_ADC_UNIT")


def adc_scale(series: Series, pixels: NDArray[np.float32]) -> Scale:
    """What turns rescaled pixels of an ADC map into 1e-6 mm2/s.

    Args:
        series: of an ADC map, sound.
        pixels: of that series, any shape, after Modality LUT.

    Raises:
        QuantityError: NO_ADC_UNIT: no header names the unit and no usual one, or several, are possible; or the voxels
            contradict what the header names.
    """
    positive = pixels[pixels > 0]
    if not positive.size:
        raise unknown("no voxel is above 0")
    median = float(np.median(positive))
    with tolerant():
        told = _told(series)
    if told is None:
        return Scale("ADC", UNITS, _usual(median), "the range of soft tissue")
    low, high = SOFT_TISSUE[0] / CONTRADICTION, SOFT_TISSUE[1] * CONTRADICTION
    if not low <= (found := told.factor * median + told.offset) <= high:
        raise unknown(f"by {told.by} the median is {found:.3g} x 1e-6 mm2/s, which no tissue has")
    return told


def unit_factor(unit: str) -> float | None:
    """How many 1e-6 mm2/s one of a unit is, as UCUM or as vendors write it; None for what is no diffusivity."""
    match = UNIT.fullmatch(unit.translate(PLAIN).lower())
    return float(f"1e{int(match[1] or 0) + POWER[match[2]]}") if match else None


def _told(series: Series) -> Scale | None:
    """What headers name; None where they name nothing."""
    names = ("RealWorldValueMappingSequence", "RescaleSlope", "RescaleIntercept", "RescaleType")
    found = [_of_header(header) for header, _ in series.kinds(*names)]
    first = found[0]
    for each in found[1:]:
        if (first is None) != (each is None):
            raise unknown("some slices name a unit and others do not")
        if first and each and not np.allclose((each.factor, each.offset), (first.factor, first.offset), SAME, SAME):
            raise unknown("the unit differs between slices")
    return first


def _of_header(header: Dataset) -> Scale | None:
    for mapping in items(header, "RealWorldValueMappingSequence"):
        units = [unit_factor(text(code, "CodeValue")) for code in items(mapping, "MeasurementUnitsCodeSequence")]
        slope, intercept = (number(mapping, f"RealWorldValue{part}") for part in ("Slope", "Intercept"))
        if units and units[0] and slope:  # from stored pixels, which the Modality LUT has changed
            rescale, shift = number(header, "RescaleSlope") or 1.0, number(header, "RescaleIntercept") or 0.0
            factor = units[0] * slope / rescale
            offset = units[0] * (intercept or 0.0) - factor * shift
            return Scale("ADC", UNITS, factor, "Real World Value Mapping", offset)
    named = unit_factor(text(header, "RescaleType"))
    return Scale("ADC", UNITS, named, "Rescale Type") if named else None


def _usual(median: float) -> float:
    possible = [factor for factor in USUAL.values() if SOFT_TISSUE[0] <= factor * median <= SOFT_TISSUE[1]]
    if len(possible) != 1:
        raise unknown(
            f"no header names the unit, and the median of {median:.3g} is no tissue's in any of {', '.join(USUAL)}"
        )
    return possible[0]
