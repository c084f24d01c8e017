"""Dates moved by one keyed number of days per patient (PS3.15 E.3.6, Retain Longitudinal with Modified Dates, 113107).

The shift leads 100 to 200 years into the future, so that a shifted date is never a real one and looks like none. It is
the same for all dates of a patient, so intervals in days stay. Times of day are not kept.
"""

import re
from datetime import date, timedelta

from fedbundle.dicom.deid.pseudonyms import keyed_fraction

DATES = """
StudyDate SeriesDate AcquisitionDate ContentDate AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime
"""
DATED = frozenset(DATES.split())
LEAST_DAYS = SPREAD_DAYS = 36525
DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d{2,6}(?:\.\d{1,6})?)?(?:[+-]\d{4})?")  # DA, or DT of at least a day


def shift_days(key: bytes, patient: str) -> int:
    """Days by which all dates of a patient are moved.

    Args:
        key: the site's secret.
        patient: pseudonym of the patient.
    """
    return LEAST_DAYS + int(SPREAD_DAYS * keyed_fraction(key, "date shift", patient))


def shifted(text: str, days: int) -> str | None:
    """The day of a DA or DT value moved by `days`, as YYYYMMDD; None when it tells no day."""
    found = DATE.fullmatch(text.strip())
    try:
        moved = date(*map(int, found.groups())) + timedelta(days) if found else None
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}" if moved else None
