"""Standardised uptake value by body weight (SUVbw, g/ml) of a PET, from its original headers.

The vendor-neutral rules are those of the QIBA FDG-PET/CT profile (RSNA): SUVbw = activity concentration (Bq/ml) *
weight (g) / dose (Bq) at the time to which decay was corrected. The headers must be those of the scanner: weight and
times do not survive de-identification. Attributes: PS3.3 C.8.9.1 (Series), C.8.9.2 (Isotope), C.8.9.4 (Image).
"""

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydicom.dataset import Dataset

from fedbundle.dicom.header import MALFORMED, codes, items, number, text, tolerant, value
from fedbundle.dicom.quantities.quantity import QuantityError, Scale
from fedbundle.dicom.series import Series

UNITS = "g/ml"
GRAMS = 1000.0  # of a kilogram
CORRECTIONS = {"ATTN": "attenuation", "DECY": "decay"}  # Corrected Image (0028,0051)
PHILIPS = "Philips PET Private Group"
PHILIPS_SUV, PHILIPS_ACTIVITY = 0x00, 0x09  # g/ml and Bq/ml per rescaled count
GE, GE_SCAN_START = "GEMS_PETD_01", 0x0D
WEIGHT_KG, DOSE_BQ, HALF_LIFE_S = (0.5, 650.0), (1e5, 1e11), (60.0, 1e7)  # plausible
MOST_HALF_LIVES = 10.0  # between injection and scan; what is left then is a thousandth
DECAY_FACTOR_TOLERANCE = 0.1  # relative, of what Decay Factor says about the time to which decay was corrected
HALF_LIFE_TOLERANCE = 0.02  # relative
# Radionuclide Code Sequence, CID 4020: SNOMED RT and SNOMED CT -> half-life in s (BIPM Monographie 5)
NUCLIDES = {
    ("C-105A1", "40565003"): 1221.7,  # C-11
    ("C-107A1", "21576001"): 598.0,  # N-13
    ("C-B1038", "129504001"): 122.5,  # O-15
    ("C-111A1", "77004003"): 6586.2,  # F-18
    ("C-127A2", "3932008"): 45722.0,  # Cu-64
    ("C-131A3", "35337001"): 4070.0,  # Ga-68
    ("C-168A4", "63360001"): 282276.0,  # Zr-89
    ("C-114A5", "40937006"): 360806.0,  # I-124
}
HALF_LIVES = {code: half_life for both, half_life in NUCLIDES.items() for code in both}
DATE = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)")  # VR DA, and its ACR-NEMA form
TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?)?")  # VR TM
DATE_TIME = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)([+-]\d{4})?")  # VR DT, down to the hour at least

unknown = partial(QuantityError, "NO_SUV")


def suv_scale(series: Series) -> Scale:
    """What turns rescaled pixels of a PET into SUVbw.

    Args:
        series: sound and with the scanner's own headers; slopes may differ by slice, everything else must not.

    Returns:
        `factor` in g/ml per unit of the rescaled pixel.

    Raises:
        QuantityError: NO_SUV: something is missing, zero, implausible or contradictory; the detail says what.
    """
    with tolerant():
        kinds = series.kinds("CorrectedImage", "DecayCorrection", "Units", "SUVType", "PatientWeight")
        if len(kinds) > 1:
            raise unknown("units, corrections or Patient's Weight differ between slices")
        first = series.first
        decay = _decay_correction(first)
        units = text(first, "Units").upper()
        if units == "GML":
            kind = text(first, "SUVType").upper() or "BW"  # PS3.3 C.8.9.1: absent means body weight
            if kind != "BW":
                raise unknown("Units is GML by another SUV Type than BW")
            return Scale("SUVbw", UNITS, 1.0, "Units GML")
        if units == "CNTS":
            return _of_counts(series, decay)
        if units == "BQML":
            return Scale("SUVbw", UNITS, *_of_activity(series, decay))
        raise unknown("Units is none of BQML, GML, CNTS" if units else "Units is not given")


def _decay_correction(header: Dataset) -> str:
    """START or ADMIN."""
    if missing := [name for code, name in CORRECTIONS.items() if code not in codes(header, "CorrectedImage")]:
        raise unknown(f"not corrected for {' and '.join(missing)}, by Corrected Image")
    told = text(header, "DecayCorrection").upper()
    if told not in ("START", "ADMIN"):
        raise unknown("Decay Correction is NONE" if told == "NONE" else "Decay Correction is neither START nor ADMIN")
    return told


def _of_counts(series: Series, decay: str) -> Scale:
    suv = _same(series, lambda header: _philips(header, PHILIPS_SUV), "the Philips SUV scale factor")
    if suv:
        return Scale("SUVbw", UNITS, suv, "Units CNTS, Philips SUV scale factor")
    activity = _same(series, lambda header: _philips(header, PHILIPS_ACTIVITY), "the Philips activity scale factor")
    if activity:
        factor, by = _of_activity(series, decay)
        return Scale("SUVbw", UNITS, activity * factor, f"Units CNTS, Philips activity scale factor, {by}")
    raise unknown("Units is CNTS and neither Philips scale factor, (7053,xx00) or (7053,xx09), is given")


def _of_activity(series: Series, decay: str) -> tuple[float, str]:
    """g/ml per Bq/ml, and how the dose was brought to the time of the image."""
    infos = items(series.first, "RadiopharmaceuticalInformationSequence")
    if len(infos) != 1:
        raise unknown("Radiopharmaceutical Information Sequence " + ("names several" if infos else "is not given"))
    weight = _plausible(series.first, "PatientWeight", "Patient's Weight", WEIGHT_KG, "kg")
    dose = _plausible(infos[0], "RadionuclideTotalDose", "Radionuclide Total Dose", DOSE_BQ, "Bq")
    if decay == "ADMIN":
        return weight * GRAMS / dose, "Decay Correction ADMIN"
    half_life = _half_life(infos[0])
    instant, by = _corrected_to(series, half_life)
    elapsed = (instant - _injected(infos[0], series.first, instant)).total_seconds()
    if elapsed < 0:
        raise unknown("the injection lies after the scan")
    if elapsed > MOST_HALF_LIVES * half_life:
        raise unknown(f"{elapsed / half_life:.3g} half-lives between injection and scan, wanted at most 10")
    return weight * GRAMS / (dose * 2 ** (-elapsed / half_life)), f"Decay Correction START, {by}"


def _half_life(info: Dataset) -> float:
    told = _plausible(info, "RadionuclideHalfLife", "Radionuclide Half Life", HALF_LIFE_S, "s")
    for code in items(info, "RadionuclideCodeSequence"):
        right = HALF_LIVES.get(text(code, "CodeValue"))
        if right and abs(told / right - 1) > HALF_LIFE_TOLERANCE:
            raise unknown(f"Radionuclide Half Life is {told:g} s, and that of the nuclide is {right:g} s")
    return told


def _corrected_to(series: Series, half_life: float) -> tuple[datetime, str]:
    """Start of the scan, to which START corrects decay.

    It is the series time, unless that lies after an acquisition: then the series was made later, and the start is
    GE's own scan time or else that of the earliest acquisition. Beds have acquisition times of their own.
    """
    acquired = [
        found
        for header, _ in series.kinds("AcquisitionDate", "AcquisitionTime")
        if (found := _when(header, "Acquisition"))
    ]
    if not acquired:
        raise unknown("Acquisition Date or Time is not given")
    made = _when(series.first, "Series")
    ge = _date_time(str(_private(series.first, 0x0009, GE, GE_SCAN_START) or ""), series.first)
    if made and made <= min(acquired):
        start, by = made, "series time"
    elif ge and ge <= min(acquired):
        start, by = ge, "GE scan time"
    else:
        start, by = min(acquired), "earliest acquisition time"
    _check_decay_factor(series, start, half_life)
    return start, by


def _check_decay_factor(series: Series, start: datetime, half_life: float) -> None:
    """Decay Factor of the earliest frame tells the same start of the scan, where it is given.

    It holds the decay from the start to the frame and, with some vendors, that during the frame. Slices where two beds
    overlap have a larger one, so the smallest counts.
    """
    told = []
    for header, _ in series.kinds("AcquisitionDate", "AcquisitionTime", "DecayFactor", "ActualFrameDuration"):
        factor, acquired = number(header, "DecayFactor"), _when(header, "Acquisition")
        if factor and factor > 1 and acquired:  # 1 stands for "not told" with some vendors
            told.append((acquired, factor, (number(header, "ActualFrameDuration") or 0) / 1000))
    if not told:
        return
    acquired, factor, seconds = min(told)
    decay = math.log(2) / half_life
    before = math.exp(decay * (acquired - start).total_seconds())
    during = decay * seconds / -math.expm1(-decay * seconds) if seconds > 0 else 1.0
    ratio = min((factor / before, factor / (before * during)), key=lambda found: abs(found - 1))
    if abs(ratio - 1) > DECAY_FACTOR_TOLERANCE:
        raise unknown(f"Decay Factor is {ratio:.3g} times what decay since the start of the scan makes")


def _injected(info: Dataset, header: Dataset, scan: datetime) -> datetime:
    """Radiopharmaceutical Start DateTime, else Start Time on the day of the scan or the day before."""
    if told := text(info, "RadiopharmaceuticalStartDateTime"):
        if not (found := _date_time(told, header)):
            raise unknown("Radiopharmaceutical Start DateTime is malformed")
        return found
    injected = _instant(f"{scan:%Y%m%d}", text(info, "RadiopharmaceuticalStartTime"))
    if not injected:
        raise unknown("neither Radiopharmaceutical Start DateTime nor Start Time is given")
    return injected if injected <= scan else injected - timedelta(days=1)


def _when(header: Dataset, of: str) -> datetime | None:
    """`<of>Date` with `<of>Time`."""
    return _instant(text(header, f"{of}Date"), text(header, f"{of}Time"))


def _instant(date: str, time: str) -> datetime | None:
    day, clock = DATE.fullmatch(date), TIME.fullmatch(time)
    if not day or not clock:
        return None
    hours, minutes, seconds = (int(part or 0) for part in clock.groups()[:3])
    try:
        start = datetime(int(day[1]), int(day[2]), int(day[3]))
    except ValueError:
        return None
    return start + timedelta(hours=hours, minutes=minutes, seconds=seconds + float(clock[4] or 0))


def _date_time(told: str, header: Dataset) -> datetime | None:
    """A DT in the local time of the other times of the header (Timezone Offset From UTC)."""
    match = DATE_TIME.fullmatch(told.strip(" \0"))
    if not match or not (found := _instant(match[1], match[2])):
        return None
    local = text(header, "TimezoneOffsetFromUTC")
    if match[3] and re.fullmatch(r"[+-]\d{4}", local):
        found += _offset(local) - _offset(match[3])
    return found


def _offset(told: str) -> timedelta:
    size = timedelta(hours=int(told[1:3]), minutes=int(told[3:]))
    return -size if told[0] == "-" else size


def _plausible(header: Dataset, keyword: str, name: str, limits: tuple[float, float], unit: str) -> float:
    found = number(header, keyword)
    if not found:
        raise unknown(f"{name} is zero" if found == 0 else f"{name} is not given")
    if not limits[0] <= found <= limits[1]:  # the number may be the patient's weight, so it is not told
        raise unknown(f"{name} is not within {limits[0]:g} to {limits[1]:g} {unit}")
    return found


def _philips(header: Dataset, element: int) -> float | None:
    """A positive number from Philips' block; where its creator was lost on the way, from its usual place."""
    raw = _private(header, 0x7053, PHILIPS, element)
    if raw is None and text(header, "Manufacturer").upper().startswith("PHILIPS"):
        raw = value(header, (0x7053, 0x1000 | element))
    try:
        found = float(raw.strip(b" \0") if isinstance(raw, bytes) else raw)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and found > 0 else None


def _private(header: Dataset, group: int, creator: str, element: int) -> Any:
    try:
        return value(header, int(header.private_block(group, creator).get_tag(element)))
    except MALFORMED:
        return None


def _same(series: Series, read: Callable[[Dataset], float | None], name: str) -> float | None:
    found = {read(header) for header in series.headers}
    if len(found) > 1:
        raise unknown(f"{name} differs between slices")
    return found.pop()
