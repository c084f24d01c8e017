"""Which sides of the body a film shows: by its width at the detector and by what its header says of the side.

| width           | header says              | body part | sides                                                |
|-----------------|--------------------------|-----------|------------------------------------------------------|
| wide            | both, unpaired, nothing  | any       | right and left                                       |
| wide            | one side, contradictions | a pelvis  | right and left, with a doubt                         |
| wide            | one side, contradictions | else      | refused, SIDE_CONTRADICTORY                          |
| narrow          | one side                 | any       | that side; with a doubt where it is called a pelvis  |
| narrow          | both, contradictions     | any       | refused, SIDE_CONTRADICTORY                          |
| narrow          | unpaired, nothing        | any       | refused, SIDE_UNKNOWN                                |

Wide is a film of at least the bundle's `both_sides_from_mm`, less `TOLERANCE_MM`. A film is seen from the front and
upright: the patient's right at its left edge, the head on top. Patient Orientation (0020,0020) that says otherwise is
refused (FILM_MIRRORED); where it is absent the convention is taken, with a doubt.
"""

from dataclasses import dataclass

from pydicom import Dataset

from fedbundle.dicom.header import codes, text, tolerant
from fedbundle.dicom.patient import body_part
from fedbundle.dicom.pixels.radiograph import CONTRADICTORY, laterality
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.errors import NoUsableSeriesError

SIDE_UNKNOWN, SIDE_CONTRADICTORY, FILM_MIRRORED = "SIDE_UNKNOWN", "SIDE_CONTRADICTORY", "FILM_MIRRORED"
SIDE_CODES = (SIDE_UNKNOWN, SIDE_CONTRADICTORY, FILM_MIRRORED)
ONE_SIDE = {"right": "R", "left": "L"}
BOTH = ("R", "L")
TOLERANCE_MM = 0.5  # also of fedblocks' HipCropd: widths go through float32, and both have to decide the same
PELVIS = "PELVI"  # in what Body Part Examined says of a film of both hips
NAMES = {"R": "right", "L": "left"}


class SideError(NoUsableSeriesError):
    """A film does not tell which side it shows; `detail` names no patient."""

    def __init__(self, reason: str, detail: str, remedy: str) -> None:
        super().__init__(f"film must tell which side it shows, got {reason} ({detail}); {remedy}")
        self.reason, self.detail = reason, detail  # reason: one of SIDE_CODES


@dataclass(frozen=True)
class Sides:
    """Sides that a film shows, and what about them is only inferred."""

    sides: tuple[str, ...]  # R, L
    doubts: tuple[str, ...] = ()


def sides_on(header: Dataset, film: Volume, both_from_mm: float) -> Sides:
    """Sides that a film shows, as wide as its volume is.

    Raises:
        SideError: header and film do not tell which side is seen.
    """
    return sides_of(header, film.array.shape[2] * film.spacing[0], both_from_mm)


def sides_of(header: Dataset, width_mm: float, both_from_mm: float) -> Sides:
    """Sides of a film.

    Args:
        header: of the film.
        width_mm: of all its columns, at the detector.
        both_from_mm: width from which a film shows both sides.

    Raises:
        SideError: header and film do not tell which side is seen.
    """
    with tolerant():
        told, part = laterality(header), body_part(header)
        across, down = (*codes(header, "PatientOrientation"), "", "")[:2]
        flipped = text(header, "FieldOfViewHorizontalFlip").upper() == "YES"
    mirrored = not across.startswith("L") if across else flipped
    if mirrored:
        raise SideError(FILM_MIRRORED, "one whose columns do not run to the patient's left", "send it unmirrored")
    if down and not down.startswith("F"):
        raise SideError(FILM_MIRRORED, "one whose rows do not run to the patient's feet", "send it upright")
    doubts = [] if across else [_CONVENTION]
    wide = width_mm >= both_from_mm - TOLERANCE_MM
    if wide and told not in (*ONE_SIDE, CONTRADICTORY):
        return Sides(BOTH, tuple(doubts))
    if wide and PELVIS in part:
        told = "contradicts itself" if told == CONTRADICTORY else f"names the {told} side only"
        return Sides(BOTH, (*doubts, f"The header of the film {told}, but it is a pelvis {width_mm:.0f} mm wide."))
    if not wide and told in ONE_SIDE:
        pelvis = [f"The film is called a pelvis, but {width_mm:.0f} mm show one hip only."] if PELVIS in part else []
        return Sides((ONE_SIDE[told],), (*doubts, *pelvis))
    if not wide and told not in ("both", CONTRADICTORY):
        raise SideError(
            SIDE_UNKNOWN,
            f"a film {width_mm:.0f} mm wide without a side",
            "set Image Laterality (0020,0062) at the PACS",
        )
    raise SideError(
        SIDE_CONTRADICTORY,
        f"a film {width_mm:.0f} mm wide whose side is {told}",
        f"a film of both hips is at least {both_from_mm:g} mm wide; correct Image Laterality (0020,0062) at the PACS",
    )


_CONVENTION = (
    "The header does not say how the film lies: it is taken that the patient's right is at its left edge. Check the "
    "side marker."
)
