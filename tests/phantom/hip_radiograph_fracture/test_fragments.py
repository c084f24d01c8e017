"""Fractures: made of bone in three dimensions, seen only where they are, and only as far as the rays run along them."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.fragments import fragments
from fedbundle.phantom.hip_radiograph_fracture.patient import (
    INTERTROCHANTERIC,
    NECK,
    NECK_DISPLACED,
    NONE,
    Hip,
    Patient,
)
from fedbundle.phantom.hip_radiograph_fracture.skeleton import add_femur, add_piece, head_of
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Film

GAP = 0.9
"""`variant` of a fracture with a gap."""


def bone(patient: Patient, beam: Beam, **left: float) -> np.ndarray:
    """g/cm2 of the left femur."""
    film = Film(beam)
    add_femur(film, replace(patient, hips=(patient.hips[0], replace(patient.hips[1], **left))), 1)
    return film.mass["bone"]


def far_from_head(beam: Beam, patient: Patient) -> np.ndarray:
    """Distance in mm of each pixel from the middle of the left head."""
    column, row = beam.column_row(head_of(patient, 1))
    x, y = np.arange(beam.columns) - column, np.arange(beam.rows) - row
    return np.hypot(x, y[:, None]) * beam.pixel_mm / beam.magnification(0)


@pytest.mark.parametrize("variant", [0.1, GAP])
def test_a_neck_fracture_without_displacement_changes_the_neck_and_head_alone(
    patient: Patient, beam: Beam, variant: float
) -> None:
    before, after = (bone(patient, beam, fracture=kind, variant=variant) for kind in (NONE, NECK))
    change, away = np.abs(after - before), far_from_head(beam, patient)
    assert change[away < 50].max() > 0.25
    assert change[away > 62].max() < 0.02
    assert before.sum() == pytest.approx(after.sum(), rel=0.05)


def test_a_line_is_seen_when_the_rays_run_along_it(patient: Patient, beam: Beam) -> None:
    darkest = []
    for turn in (13.0, -37.0):  # the neck parallel to the film, and turned away
        hip = replace(patient.hips[1], fracture=NECK, anteversion_degrees=13.0, variant=GAP, severity=0.6)
        femur, whole, parted = Femur(hip), Film(beam), Film(beam)
        frame = femur.frame(head_of(patient, 1), 1, turn)
        for piece in fragments(femur):
            add_piece(parted, femur, piece, frame)
        for piece in fragments(Femur(replace(hip, fracture=NONE))):
            add_piece(whole, femur, piece, frame)
        gap = whole.mass["bone"] - parted.mass["bone"]
        assert gap.sum() > 0
        darkest.append(np.sort(gap.ravel())[-20:].mean())
    assert darkest[0] > 1.3 * darkest[1]


def test_an_impacted_neck_is_denser_and_a_gap_is_not(patient: Patient, beam: Beam) -> None:
    near = far_from_head(beam, patient) < 45
    for variant, sign in ((0.1, 1), (GAP, -1)):
        change = bone(patient, beam, fracture=NECK, variant=variant, severity=0.7) - bone(
            patient, beam, fracture=NONE, variant=variant, severity=0.7
        )
        assert sign * change[near].sum() > 0


def test_displaced_fractures_shorten_the_leg_more_the_worse_they_are(patient: Patient, beam: Beam) -> None:
    def top_of_trochanter(**left: float) -> float:
        """First row that bone reaches far at the side."""
        rows, columns = np.nonzero(bone(patient, beam, turn_degrees=10.0, **left) > 0.15)
        column, _ = beam.column_row(head_of(patient, 1))
        return float(rows[columns > column + 30].min())

    whole = top_of_trochanter(fracture=NONE)
    slight, bad = (top_of_trochanter(fracture=NECK_DISPLACED, severity=severity) for severity in (0.1, 1.0))
    assert bad < slight - 4 <= whole - 4


@pytest.mark.parametrize(
    ("kind", "variant", "pieces"),
    [
        (NONE, 0.5, 1),
        (NECK, 0.5, 2),
        (NECK_DISPLACED, 0.5, 2),
        (INTERTROCHANTERIC, 0.1, 2),
        (INTERTROCHANTERIC, 0.9, 3),
    ],
)
def test_pieces(patient: Patient, kind: int, variant: float, pieces: int) -> None:
    hip: Hip = replace(patient.hips[1], fracture=kind, variant=variant)
    assert len(fragments(Femur(hip))) == pieces


def test_varus_of_an_intertrochanteric_fracture_grows_with_its_severity(patient: Patient) -> None:
    turned = []
    for severity in (0.0, 0.5, 1.0):
        hip = replace(patient.hips[1], fracture=INTERTROCHANTERIC, severity=severity, variant=0.9)
        femur = Femur(hip)
        axis = fragments(femur)[0].move[:3, :3] @ femur.neck_axis
        turned.append(np.degrees(np.arctan2(axis[2], -axis[0])))
    assert turned[0] > turned[1] + 5 > turned[2] + 10
