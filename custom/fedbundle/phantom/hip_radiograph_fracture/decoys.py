"""What the gate must refuse: the hip from the side, and a chest."""

from dataclasses import replace

import numpy as np

from fedbundle.phantom.canvas import placed, rotation
from fedbundle.phantom.chords import ball
from fedbundle.phantom.hip_radiograph_fracture.flesh import clouds
from fedbundle.phantom.hip_radiograph_fracture.patient import Patient
from fedbundle.phantom.hip_radiograph_fracture.skeleton import add_femur
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import DENSITY, Film

ROWS, COLUMNS, PIXEL_MM = 150, 128, 2.0


def lateral(patient: Patient, side: int, focus_mm: float, random: np.random.Generator) -> Film:
    """A hip whose leg is turned until the neck is seen along its side."""
    hip = patient.hips[0 if side < 0 else 1]
    turned = replace(hip, turn_degrees=hip.turn_degrees - 75)
    hips = (turned, patient.hips[1]) if side < 0 else (patient.hips[0], turned)
    film = Film(Beam(ROWS, COLUMNS, PIXEL_MM, focus_mm, 160, (side * patient.half_distance_mm, -30)))
    add_femur(film, replace(patient, hips=hips), side)
    depth = 190 * (1 + 0.04 * clouds((ROWS, COLUMNS), 2.6, random))
    film.mass["soft"] += depth * np.float32(DENSITY["soft"] / 10)
    return film


def chest(focus_mm: float, random: np.random.Generator) -> Film:
    """Lungs, heart, spine and ribs, about."""
    film = Film(Beam(ROWS, COLUMNS, PIXEL_MM * 1.4, focus_mm, 160, (0, 0)))
    depth = 200 * (1 + 0.04 * clouds((ROWS, COLUMNS), 2.6, random))
    for side in (-1, 1):
        frame = placed((side * 72, 0, 10), rotation(0, side * 6, 0)) @ np.diag([52.0, 78, 125, 1])
        lung = ball(film.beam, frame, (0, 0, 0), 1)
        if lung is not None:
            depth[lung.window] -= 0.75 * lung.length
        for level in range(9):
            frame = placed((side * 66, 0, 105 - 24 * level), rotation(20, side * 18, 0)) @ np.diag([76.0, 84, 5, 1])
            rib, marrow = ball(film.beam, frame, (0, 0, 0), 1), ball(film.beam, frame, (0, 0, 0), 0.93)
            if rib is not None and marrow is not None:
                film.add_path("bone", rib.window, rib.length, 0.4)
                film.add_path("bone", marrow.window, marrow.length, -0.4)
    for material, place, size in (("soft", (18, -30, -45), (58, 45, 62)), ("bone", (0, 55, 0), (17, 17, 400))):
        frame = placed(place) @ np.diag([*map(float, size), 1])
        found = ball(film.beam, frame, (0, 0, 0), 1)
        if found is not None:
            film.add_path(material, found.window, found.length, 0.9 if material == "soft" else 0.25)
    np.clip(film.mass["bone"], 0, None, out=film.mass["bone"])
    film.mass["soft"] += np.clip(depth, 15, None) * np.float32(DENSITY["soft"] / 10)
    return film
