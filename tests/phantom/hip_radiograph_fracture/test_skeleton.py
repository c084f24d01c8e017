"""The projected skeleton: left is left, and what geometry and bone do to the picture."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.patient import Patient
from fedbundle.phantom.hip_radiograph_fracture.pelvis import add_trunk
from fedbundle.phantom.hip_radiograph_fracture.skeleton import add_femur, body_frame, head_of
from fedbundle.phantom.hip_radiograph_fracture.study import project
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Exposure, Film, Processing, grey, signal

CLEAN = Exposure(quanta=1e9, scatter=0.4, focus_blur_mm=0.5, detector_blur_mm=0.5)


def femora(patient: Patient, beam: Beam) -> np.ndarray:
    """g/cm2 of bone of both femora."""
    film = Film(beam)
    for side in (-1, 1):
        add_femur(film, patient, side)
    return film.mass["bone"]


def around(beam: Beam, patient: Patient, side: int, half_mm: float = 22) -> tuple[slice, slice]:
    """The head of one femur in the image."""
    column, row = beam.column_row(head_of(patient, side))
    reach = half_mm * beam.magnification(0) / beam.pixel_mm
    return slice(round(row - reach), round(row + reach)), slice(round(column - reach), round(column + reach))


def shown(patient: Patient, beam: Beam) -> np.ndarray:
    """P-Values without visible noise."""
    film = project(patient, beam, np.random.default_rng(1))
    return grey(signal(film, CLEAN, np.random.default_rng(2)), beam.pixel_mm, Processing(2.2, 0.5))


def changed(patient: Patient, **left: float) -> Patient:
    """The patient with another left hip."""
    return replace(patient, hips=(patient.hips[0], replace(patient.hips[1], **left)))


def test_a_mirrored_body_gives_the_mirrored_picture(patient: Patient, beam: Beam) -> None:
    turned = replace(
        patient, rotation_degrees=4.0, list_degrees=2.0, hips=(patient.hips[0], replace(patient.hips[1], fracture=5))
    )
    other = replace(turned, rotation_degrees=-4.0, list_degrees=-2.0, hips=turned.hips[::-1])
    films = []
    for body in (turned, other):
        film = Film(beam)
        for side in (-1, 1):
            add_femur(film, body, side)
        add_trunk(film, body, body_frame(body))
        films.append(film)
    for material in ("bone", "steel", "titanium"):
        np.testing.assert_allclose(films[0].mass[material], films[1].mass[material][:, ::-1], atol=0.02)


def test_the_right_hip_lies_on_the_left_of_the_picture(patient: Patient, beam: Beam) -> None:
    whole, without = femora(patient, beam), Film(beam)
    add_femur(without, patient, 1)
    right = whole - without.mass["bone"]
    assert right[:, :115].sum() > 0.999 * right.sum() > 0
    assert right[around(beam, patient, -1)].mean() > 1


def test_more_bone_and_thicker_cortex_are_whiter(patient: Patient) -> None:
    place = head_of(patient, 1)
    beam = Beam(rows=110, columns=80, pixel_mm=1.8, focus_mm=1150, detector_y=150, centre=(place[0] + 20, -30))
    head = around(beam, patient, 1)
    heads = [shown(changed(patient, density=density), beam)[head].mean() for density in (0.5, 0.8, 1.1)]
    assert all(np.diff(heads) > 0.01)
    column, row = beam.column_row(place + Femur(patient.hips[1]).base + [0, 0, -75])
    shaft = (slice(int(row) - 8, int(row) + 8), slice(int(column) - 12, int(column) + 8))
    shafts = [shown(changed(patient, cortex_mm=mm), beam)[shaft].mean() for mm in (3.0, 5.0, 7.5)]
    assert all(np.diff(shafts) > 0.005)


def test_what_one_hip_carries_does_not_touch_the_other(patient: Patient, beam: Beam) -> None:
    before = femora(patient, beam)
    after = femora(changed(patient, density=0.5, neck_shaft_degrees=140.0), beam)
    assert np.array_equal(before[:, :115], after[:, :115])
    assert np.abs(before - after)[:, 115:].max() > 0.5


def test_a_leg_that_lies_turned_outwards_has_a_short_neck(patient: Patient, beam: Beam) -> None:
    reach = []
    for degrees in (13.0, -20.0, -45.0):
        bone = femora(changed(patient, anteversion_degrees=13.0, turn_degrees=degrees), beam)
        row = around(beam, patient, 1)[0].stop + 12
        reach.append(np.flatnonzero(bone[row, 115:] > 0.2).max() + 115 - beam.column_row(head_of(patient, 1))[0])
    assert reach[1] < 0.95 * reach[0]
    assert reach[2] < 0.8 * reach[0]


def test_the_roof_lies_as_far_above_the_head_as_the_joint_is_wide(patient: Patient) -> None:
    place = head_of(patient, 1)
    beam = Beam(rows=150, columns=60, pixel_mm=0.8, focus_mm=1150, detector_y=150, centre=(place[0], place[2]))
    roofs = []
    for space in (5.0, 1.0):
        film = Film(beam)
        body = changed(patient, joint_space_mm=space)
        add_trunk(film, body, body_frame(body))
        roofs.append(film.mass["bone"][:75, 27:34].mean(axis=1).argmax())
    assert (roofs[1] - roofs[0]) * 0.8 / beam.magnification(0) == pytest.approx(4.0, abs=1.0)
