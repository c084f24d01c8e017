"""Which sides of the body a film shows: by its width at the detector and by what its header says of the side.

| width           | header says              | body part | sides                                                |
|-----------------|--------------------------|-----------|------------------------------------------------------|
| wide            | both, unpaired, nothing  | any       | right and left                                       |
| wide            | one side, contradictions | a pelvis  | right and left, with a doubt                         |
| wide            | one side, contradictions | else      | refused, SIDE_CONTRADICTORY                          |
| narrow          | one side                 | any       | that side; with a doubt where it is called a pelvis  |
| narrow          | both, contradictions     | any       | refused, SIDE_CONTRADICTORY                          |
| narrow          | unpaired, nothing        | any       | refused, SIDE_UNKNOWN                                |

A film is seen from the front: the patient's right at its left edge. Patient Orientation (0020,0020) that says otherwise
is refused (FILM_MIRRORED); where it is absent the convention is taken, with a doubt.
"""

from dataclasses import dataclass

from pydicom import Dataset

from fedbundle.dicom.header import codes, text, tolerant
from fedbundle.dicom.patient import body_part
from fedbundle.dicom.pixels.radiograph import CONTRADICTORY, laterality
from fedbundle.errors import NoUsableSeriesError

SIDE_UNKNOWN, SIDE_CONTRADICTORY, FILM_MIRRORED = "SIDE_UNKNOWN", "SIDE_CONTRADICTORY", "FILM_MIRRORED"
SIDE_CODES = (SIDE_UNKNOWN, SIDE_CONTRADICTORY, FILM_MIRRORED)
ONE_SIDE = {"right": "R", "left": "L"}
BOTH = ("R", "L")
PELVIS = "PELVI"  # in what Body Part Examined says of a film of both hips
NAMES = {"R": "right", "L": "left"}


@dataclass(frozen=True)
class Sides:
    """Sides that a film shows, and what about them is only inferred."""

    sides: tuple[str, ...]  # R, L
    doubts: tuple[str, ...] = ()


def sides_of(header: Dataset, width_mm: float, both_from_mm: float) -> Sides:
    """Sides of a film.

    Args:
        header: of the film.
        width_mm: of all its columns, at the detector.
        both_from_mm: width from which a film shows both sides.

    Raises:
        NoUsableSeriesError: header and film do not tell which side is seen.
    """
    with tolerant():
        told, part = laterality(header), body_part(header)
        across = (codes(header, "PatientOrientation") or ("",))[0]
        flipped = text(header, "FieldOfViewHorizontalFlip").upper() == "YES"
    if across.startswith("R") or (flipped and not across):
        raise _refused(FILM_MIRRORED, "one whose columns run to the patient's right", "send it unmirrored")
    doubts = [] if across.startswith("L") else [_CONVENTION]
    wide = width_mm >= both_from_mm
    if wide and told not in (*ONE_SIDE, CONTRADICTORY):
        return Sides(BOTH, tuple(doubts))
    if wide and PELVIS in part:
        told = "contradicts itself" if told == CONTRADICTORY else f"names the {told} side only"
        return Sides(BOTH, (*doubts, f"The header of the film {told}, but it is a pelvis {width_mm:.0f} mm wide."))
    if not wide and told in ONE_SIDE:
        pelvis = [f"The film is called a pelvis, but {width_mm:.0f} mm show one hip only."] if PELVIS in part else []
        return Sides((ONE_SIDE[told],), (*doubts, *pelvis))
    if not wide and told not in ("both", CONTRADICTORY):
        raise _refused(
            SIDE_UNKNOWN,
            f"a film {width_mm:.0f} mm wide without a side",
            "set Image Laterality (0020,0062) at the PACS",
        )
    raise _refused(
        SIDE_CONTRADICTORY,
        f"a film {width_mm:.0f} mm wide whose side is {told}",
        f"a film of both hips is at least {both_from_mm:g} mm wide; correct Image Laterality (0020,0062) at the PACS",
    )


_CONVENTION = (
    "The header does not say how the film lies: it is taken that the patient's right is at its left edge. Check the "
    "side marker."
)


def _refused(code: str, got: str, remedy: str) -> NoUsableSeriesError:
    return NoUsableSeriesError(f"film must tell which side it shows, got {code} ({got}); {remedy}")
