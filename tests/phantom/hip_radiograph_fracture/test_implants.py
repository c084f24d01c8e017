"""Implants stop more rays than bone, and lie where the hip is."""

from dataclasses import replace

import numpy as np
import pytest

from fedbundle.phantom.hip_radiograph_fracture.implants import NAIL, PLATE, SCREWS, has_cup, kind_of
from fedbundle.phantom.hip_radiograph_fracture.patient import ARTHROPLASTY, FIXATION, NONE, Patient
from fedbundle.phantom.hip_radiograph_fracture.sites import SITES
from fedbundle.phantom.hip_radiograph_fracture.skeleton import head_of
from fedbundle.phantom.hip_radiograph_fracture.study import project
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Film, Processing, grey, signal

KINDS = [(FIXATION, 0.1), (FIXATION, 0.4), (FIXATION, 0.8), (ARTHROPLASTY, 0.3), (ARTHROPLASTY, 0.8)]


def film_of(patient: Patient, beam: Beam, kind: int, variant: float) -> Film:
    """The patient with a left hip of that kind."""
    hip = replace(patient.hips[1], fracture=kind, variant=variant)
    return project(replace(patient, hips=(patient.hips[0], hip)), beam, np.random.default_rng(1))


@pytest.mark.parametrize(("kind", "variant"), KINDS)
def test_metal_is_whiter_than_any_bone_and_lies_in_its_hip(
    patient: Patient, beam: Beam, kind: int, variant: float
) -> None:
    site = SITES["site-a"]
    film = film_of(patient, beam, kind, variant)
    metal = film.mass["steel"] + film.mass["titanium"]
    shown = grey(signal(film, site.exposure, np.random.default_rng(1)), beam.pixel_mm, Processing(2.1, 0.5))
    assert np.median(shown[metal > 2]) > np.percentile(shown[metal == 0], 99)
    column, row = beam.column_row(head_of(patient, 1))
    rows, columns = np.nonzero(metal > 0.5)
    assert columns.min() > beam.columns / 2
    assert np.hypot(rows - row, columns - column).min() * beam.pixel_mm < 25


def test_kinds_of_implants(patient: Patient) -> None:
    hips = [replace(patient.hips[0], variant=variant) for _, variant in KINDS]
    assert [kind_of(hip) for hip in hips[:3]] == [SCREWS, PLATE, NAIL]
    assert [has_cup(hip) for hip in hips[3:]] == [True, False]


def test_an_arthroplasty_has_no_head_of_bone(patient: Patient, beam: Beam) -> None:
    column, row = (round(value) for value in beam.column_row(head_of(patient, 1)))
    head = (slice(row - 5, row + 6), slice(column - 5, column + 6))
    sound, replaced = (film_of(patient, beam, kind, 0.8).mass for kind in (NONE, ARTHROPLASTY))
    assert replaced["bone"][head].mean() < 0.6 * sound["bone"][head].mean()
    assert replaced["steel"][head].mean() > 10 > sound["steel"].max() == 0
