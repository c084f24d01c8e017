"""Flat bones of the trunk, as bent sheets with two tables of cortex: iliac wing, sacrum, lowest vertebrae.

Axes as in pelvis.py. The thickness of a plate is a function of where it is, seen from the front.
"""

from collections.abc import Callable

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.chords import inside, sheet
from fedbundle.phantom.hip_radiograph_fracture.patient import Patient
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.radiograph_image import DENSITY, Film

Corners = list[tuple[float, float]]
Depth = Callable[[Array, Array], tuple[Array, Array, Array]]
"""(x, z) -> y of the sheet, and its slopes along x and z."""
Plate = Callable[[Array, Array], tuple[Array, Array]]
"""(x, z) -> thickness in mm, and share of what lies between the tables that is solid, 0..1."""


def rounded(outline: Corners) -> Corners:
    """An outline with its corners cut (Chaikin 1974)."""
    pairs = zip(outline, [*outline[1:], outline[0]], strict=True)
    shares = ((0.75, 0.25), (0.25, 0.75))
    return [(near * a + far * c, near * b + far * d) for (a, b), (c, d) in pairs for near, far in shares]


WING = rounded(
    [
        (82, 24),
        (103, 28),
        (107, 40),
        (105, 58),
        (119, 80),
        (126, 92),
        (133, 112),
        (130, 126),
        (118, 137),
        (100, 142),
        (78, 138),
        (58, 127),
        (45, 112),
        (40, 98),
        (43, 76),
        (48, 62),
        (57, 48),
        (60, 36),
        (60, 24),
    ]
)
"""Outline of the left iliac wing, (x, z)."""
SACRUM = rounded(
    [
        (26, 97),
        (38, 103),
        (52, 95),
        (52, 78),
        (46, 58),
        (34, 40),
        (22, 16),
        (10, 6),
        (8, -6),
        (4, -24),
        (-30, -24),
        (-30, 97),
    ]
)
"""Outline of the left half of sacrum and coccyx; it runs on over the middle line, so that no edge lies there."""
FORAMINA = ((25.0, 78.0, 5.4), (22.0, 59.0, 5.0), (19.0, 42.0, 4.4), (16.0, 27.0, 3.6))
"""Holes of the sacrum: x, z, radius."""
DISCS = (87.0, 68.0, 50.0)
"""z of the scars between its vertebrae."""
VERTEBRAE = (117.0, 154.0)
"""z of the middle of the two lowest lumbar vertebrae."""


def add_wing(film: Film, patient: Patient, frame: Frame) -> None:
    """Project the wing of one hip bone; `frame` mirrors it on the right."""
    _add(film, patient, frame, (30, -90, 20), (140, 95, 146), _wing_depth(patient), _wing(patient))


def add_spine(film: Film, patient: Patient, frame: Frame) -> None:
    """Project sacrum, coccyx and the two lowest vertebrae."""
    _add(film, patient, frame, (-56, 0, -28), (56, 80, 106), _sacrum_depth, _sacrum(patient))
    for middle in VERTEBRAE:
        _add(film, patient, frame, (-48, -20, middle - 21), (48, 70, middle + 25), _lumbar_depth, _vertebra(middle))


def _add(
    film: Film,
    patient: Patient,
    frame: Frame,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    depth: Depth,
    plate: Plate,
) -> None:
    met = sheet(film.beam, frame, low, high, depth)
    if met is None:
        return
    thickness, solid = plate(met.x, met.z)
    cortex = np.minimum(thickness, np.float32(1.9 * patient.mineral**0.5))
    cancellous = np.float32(0.22 * patient.mineral / DENSITY["bone"])
    share = cancellous + (1 - cancellous) * solid
    film.add_path("bone", met.window, (cortex + (thickness - cortex) * share) * met.stretch)


def _wing_depth(patient: Patient) -> Depth:
    """From the sacrum behind to the front at the side, hollow on its inner face."""
    width = np.float32(patient.width)

    def depth(x: Array, z: Array) -> tuple[Array, Array, Array]:
        along = x / width - (80 + 0.22 * (z - 35))
        slope = 0.012 * along - 1.38
        y = 4 + (0.006 * along - 1.38) * along
        return y.astype(np.float32), (slope / width).astype(np.float32), (-0.22 * slope).astype(np.float32)

    return depth


def _wing(patient: Patient) -> Plate:
    """Thick at the crest, above the socket, along a pillar in front and at the joint with the sacrum."""
    width = np.float32(patient.width)

    def plate(x: Array, z: Array) -> tuple[Array, Array]:
        x = x / width
        edge = inside(x, z, WING)
        crest = np.exp(-np.clip(edge, 0, None) / 5) * np.clip((z - 55) / 25, 0, 1)
        roof = np.exp(-((np.clip(z - 30, 0, None) / 27) ** 2))
        joint = np.exp(-(((x - 46) / 13) ** 2))
        pillar = np.exp(-(((x - (0.36 * (z - 30) + 94)) / 8) ** 2)) * np.clip((z - 30) / 20, 0, 1)
        thickness = 3.2 + 6.5 * crest + 15 * roof + 8 * joint + 4.5 * pillar
        fade = np.clip(edge / 5 + 0.1, 0, 1) * np.clip((z - 24) / 14, 0, 1)
        solid = _rim(edge, 1.3) * (0.7 * np.clip((z - 62) / 15, 0, 1)) + 0.10 * roof
        return thickness * np.sqrt(fade * (2 - fade)), np.asarray(solid, np.float32)

    return plate


def _sacrum_depth(x: Array, z: Array) -> tuple[Array, Array, Array]:
    """Hollow in front, the promontory forward."""
    return 70 - 0.0085 * (z - 30) ** 2 + 0.002 * x**2, 0.004 * x, -0.017 * (z - 30)


def _sacrum(patient: Patient) -> Plate:
    """Four pairs of holes, scars of the discs, the crest behind."""
    width = np.float32(patient.width)

    def plate(x: Array, z: Array) -> tuple[Array, Array]:
        side = np.asarray(np.abs(x) / width, np.float32)
        edge = inside(side, z, SACRUM)
        thickness = 8 + 19 * np.clip(z / 95, 0, 1) ** 1.3 * np.exp(-((side / 34) ** 4))
        solid = 0.35 * _rim(edge, 1.4) + 0.15 * np.exp(-((side / 3.5) ** 2)) * (z > 20)
        for at, height, radius in FORAMINA:
            away = np.hypot(side - at, (z - height) * 1.15) - radius
            thickness = thickness * (1 - 0.62 * np.clip(0.5 - away / 2, 0, 1))
            solid = solid + 0.16 * (z > height - 1) * np.exp(-((away - 1.6) ** 2) / 2.2)
        for height in DISCS:
            solid = solid + 0.12 * np.exp(-(((z - height) / 1.6) ** 2)) * (side < 18)
        fade = np.clip(edge / 3 + 0.1, 0, 1)
        return np.asarray(thickness * np.sqrt(fade * (2 - fade)), np.float32), np.clip(solid, 0, 1)

    return plate


def _lumbar_depth(x: Array, z: Array) -> tuple[Array, Array, Array]:
    return 22 + 0.25 * (z - 117), 0 * x, 0 * x + np.float32(0.25)


def _vertebra(middle: float) -> Plate:
    """Body with end plates and pedicles, transverse and spinous processes."""

    def plate(x: Array, z: Array) -> tuple[Array, Array]:
        x, z = np.abs(x), z - np.float32(middle)
        waist = 24.5 + 0.018 * z**2
        body = np.minimum(waist - x, 14 - np.abs(z))
        share = np.clip(1 - (x / (waist + 1)) ** 2, 0, 1)
        thickness = 32 * np.sqrt(share) * np.clip(body / 1.5 + 0.5, 0, 1)
        solid = 0.12 * np.exp(-(((np.abs(z) - 13) / 1.6) ** 2)) + 0.08 * _rim(body, 1.2)
        solid = solid + 0.12 * np.exp(-((np.hypot(x - 17, (z - 3) * 0.75) - 5) ** 2) / 1.8)
        spine = np.minimum(3.2 - x, 9 - np.abs(z + 8))
        arm = np.minimum(5.0 - 0.05 * x - np.abs(z - 2 - 0.10 * (x - 20)), np.minimum(x - 18, 44 - x))
        for extent, depth in ((spine, 15), (arm, 7)):
            thickness = thickness + depth * np.clip(extent / 1.8 + 0.5, 0, 1)
        return np.asarray(thickness, np.float32), np.asarray(np.clip(solid, 0, 1), np.float32)

    return plate


def _rim(edge: Array, width_mm: float) -> Array:
    """1 within `width_mm` of an outline, 0 further inside."""
    return np.asarray(np.clip(1.5 - np.abs(edge) / width_mm, 0, 1), np.float32)
