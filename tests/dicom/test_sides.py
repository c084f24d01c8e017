"""Which sides a film shows: the table of `dicom.sides`, line by line."""

import numpy as np
import pytest
from samples.plain_film import make_film

from fedbundle.dicom.sides import sides_of
from fedbundle.errors import NoUsableSeriesError

WIDE, NARROW = 350.0, 240.0


def seen(width_mm: float, **attributes: object) -> tuple[tuple[str, ...], int]:
    """Sides, and number of doubts."""
    film = make_film()
    film.PatientOrientation = ["L", "F"]
    for keyword, value in attributes.items():
        setattr(film, keyword, value)
    found = sides_of(film, width_mm, 300)
    return found.sides, len(found.doubts)


@pytest.mark.parametrize(
    ("width_mm", "attributes", "expected"),
    [
        (WIDE, {}, (("R", "L"), 0)),
        (WIDE, {"ImageLaterality": "B"}, (("R", "L"), 0)),
        (300.0, {"ImageLaterality": "U"}, (("R", "L"), 0)),
        (WIDE, {"PatientOrientation": None}, (("R", "L"), 1)),
        (WIDE, {"PatientOrientation": "L"}, (("R", "L"), 0)),
        (float(np.float32(0.12)) * 2500, {}, (("R", "L"), 0)),
        (299.5, {}, (("R", "L"), 0)),
        (WIDE, {"ImageLaterality": "R"}, (("R", "L"), 1)),
        (WIDE, {"ImageLaterality": "R", "Laterality": "L"}, (("R", "L"), 1)),
        (NARROW, {"BodyPartExamined": "HIP", "ImageLaterality": "L"}, (("L",), 0)),
        (NARROW, {"BodyPartExamined": "HIP", "Laterality": "R"}, (("R",), 0)),
        (NARROW, {"ImageLaterality": "R"}, (("R",), 1)),
        (NARROW, {"ImageLaterality": "R", "PatientOrientation": None}, (("R",), 2)),
    ],
)
def test_sides(width_mm: float, attributes: dict[str, object], expected: tuple[tuple[str, ...], int]) -> None:
    assert seen(width_mm, **attributes) == expected


@pytest.mark.parametrize(
    ("width_mm", "attributes", "code"),
    [
        (WIDE, {"BodyPartExamined": "HIP", "ImageLaterality": "L"}, "SIDE_CONTRADICTORY"),
        (WIDE, {"BodyPartExamined": "HIP", "ImageLaterality": "L", "Laterality": "R"}, "SIDE_CONTRADICTORY"),
        (NARROW, {"ImageLaterality": "B"}, "SIDE_CONTRADICTORY"),
        (NARROW, {"ImageLaterality": "L", "Laterality": "R"}, "SIDE_CONTRADICTORY"),
        (NARROW, {}, "SIDE_UNKNOWN"),
        (299.0, {"ImageLaterality": "U"}, "SIDE_UNKNOWN"),
        (WIDE, {"PatientOrientation": ["R", "F"]}, "FILM_MIRRORED"),
        (NARROW, {"ImageLaterality": "L", "PatientOrientation": ["R", "F"]}, "FILM_MIRRORED"),
        (WIDE, {"PatientOrientation": ["L", "H"]}, "FILM_MIRRORED"),
        (WIDE, {"PatientOrientation": ["F", "L"]}, "FILM_MIRRORED"),
        (WIDE, {"PatientOrientation": None, "FieldOfViewHorizontalFlip": "YES"}, "FILM_MIRRORED"),
    ],
)
def test_refused(width_mm: float, attributes: dict[str, object], code: str) -> None:
    with pytest.raises(NoUsableSeriesError, match=code):
        seen(width_mm, **attributes)
