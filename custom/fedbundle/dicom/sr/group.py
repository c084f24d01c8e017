"""What a report says of one thing that was found: a measurement group of TID 1500, whatever kind of result it is."""

from dataclasses import dataclass

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

OWN_SCHEME = "99FEDBUNDLE"  # of concepts for which no public scheme that we can verify has a code
MILLILITER = Code("mL", "UCUM", "milliliter")
MILLIMETER = Code("mm", "UCUM", "millimeter")
PERCENT = Code("%", "UCUM", "percent")
NO_UNITS = Code("1", "UCUM", "no units")
VOLUME = codes.SCT.Volume
DIAMETER = codes.SCT.Diameter
LESIONS = Code("246206008", "SCT", "Number of lesions")
CERTAINTY_OF_FINDING = codes.DCM.CertaintyOfFinding  # 0 to 100 percent, PS3.16 CID 6048
CERTAINTY_OF_IMPRESSION = codes.DCM.CertaintyOfImpression
SIDES = {"L": codes.SCT.Left, "R": codes.SCT.Right}
MAXIMUM = codes.SCT.Maximum


@dataclass(frozen=True)
class Quantity:
    """One number."""

    name: Code
    value: float
    unit: Code
    derivation: Code | None = None  # such as the maximum


@dataclass(frozen=True)
class Group:
    """One thing that was found, with its numbers and coded words."""

    label: str  # Tracking Identifier
    uid: str  # Tracking Unique Identifier; of a segment, that of the SEG
    quantities: tuple[Quantity, ...]
    finding: Code | None = None
    category: Code | None = None
    site: Code | None = None
    side: str = ""  # L, R, or "" for none
    words: tuple[tuple[Code, Code], ...] = ()  # qualitative evaluations: concept, value
    segment: int | None = None  # number in the SEG to which the report refers
