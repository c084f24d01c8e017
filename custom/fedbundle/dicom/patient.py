"""What a bundle may ask about the patient of an image: age and body part; told to nobody."""

import re
from datetime import date, datetime

from pydicom.dataset import Dataset

from fedbundle.dicom.header import text, value

AGE = re.compile(r"(\d{1,3})([DWMY])")  # VR AS, PS3.5 6.2
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
DAYS_OF_A_YEAR = 365.25
# Anatomic Region Sequence code -> Body Part Examined, PS3.16 Annex L: SNOMED CT, then the older SRT
REGIONS = {
    "69536005": "HEAD",
    "T-D1100": "HEAD",
    "12738006": "BRAIN",
    "T-A0100": "BRAIN",
    "51185008": "CHEST",
    "T-D3000": "CHEST",
    "818981001": "ABDOMEN",
    "T-D4000": "ABDOMEN",
    "816092008": "PELVIS",
    "12921003": "PELVIS",
    "T-D6000": "PELVIS",
    "41216001": "PROSTATE",
    "T-92000": "PROSTATE",
    "24136001": "HIP",
    "T-15710": "HIP",
}


def age_years(header: Dataset) -> float | None:
    """Age at the study, from Patient's Age or else from birth and study date; None when neither is told."""
    if (told := AGE.fullmatch(text(header, "PatientAge"))) is not None:
        return int(told[1]) * YEARS[told[2]]
    born, seen = (_date(text(header, name)) for name in ("PatientBirthDate", "StudyDate"))
    return (seen - born).days / DAYS_OF_A_YEAR if born and seen and seen >= born else None


def body_part(header: Dataset) -> str:
    """Body Part Examined (0018,0015), else what the code of the Anatomic Region Sequence stands for; "" for neither."""
    named = text(header, "BodyPartExamined").upper()
    if named:
        return named
    regions = value(header, "AnatomicRegionSequence")
    return REGIONS.get(text(regions[0], "CodeValue"), "") if regions else ""


def _date(told: str) -> date | None:
    try:
        return datetime.strptime(told, "%Y%m%d").date()
    except ValueError:
        return None
