"""What a report says of one thing that was found: a measurement group of TID 1500, whatever kind of result it is."""

from dataclasses import dataclass

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

OWN_SCHEME = "99FEDBUNDLE"  # of concepts for which no public scheme that we can verify has a code
MILLILITER = Code("mL", "UCUM", "milliliter")
MILLIMETER = Code("mm", "UCUM", "millimeter")
NO_UNITS = Code("1", "UCUM", "no units")
VOLUME = codes.SCT.Volume
DIAMETER = codes.SCT.Diameter
# Certainty of Finding (PS3.16 CID 6048) would call a score a probability, Number of Lesions a candidate a lesion
SCORE = Code("DETECTION-SCORE", OWN_SCHEME, "Detection score")  # 0 to 1, orders candidates and patients
CANDIDATES = Code("CANDIDATES", OWN_SCHEME, "Number of candidates")
WEAKER = Code("CANDIDATES-WEAK", OWN_SCHEME, "Number of weaker candidates, not described")
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
