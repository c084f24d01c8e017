"""Metal of earlier operations: screws, sliding hip screw, nail; stem, head and cup.

All in the frame of the femur (see femur.py) except the cup, which sits in the pelvis. Sizes are those of common
implants: lag screws of 12 mm, plate screws of 4.5 mm, cannulated screws of 7.3 mm, nails of 10 to 16 mm, heads of 28 to
36 mm.
"""

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.chords import Path, ball, bar
from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.patient import ARTHROPLASTY, FIXATION, Hip
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.radiograph_image import Film

SCREWS, PLATE, NAIL = "screws", "plate", "nail"
CUP_OPENING = (0.66, -0.26, -0.70)
"""Where a cup looks, pelvis axes of a left hip: 43 degrees of inclination, 15 of anteversion."""
Vector = NDArray[np.float64]


def kind_of(hip: Hip) -> str:
    """Which fixation a hip of that class has: the steeper share of `variant` decides."""
    return SCREWS if hip.variant < 0.3 else PLATE if hip.variant < 0.6 else NAIL


def has_cup(hip: Hip) -> bool:
    """A whole joint was replaced, not only the head."""
    return hip.variant < 0.6


def add_implant(film: Film, femur: Femur, femur_frame: Frame, socket_frame: Frame) -> None:
    """Project what a hip carries; the frames are those of femur and socket in table mm, both mirrored on the right."""
    if femur.hip.fracture == FIXATION:
        {SCREWS: _screws, PLATE: _plate, NAIL: _nail}[kind_of(femur.hip)](film, femur, femur_frame)
    elif femur.hip.fracture == ARTHROPLASTY:
        _stem(film, femur, femur_frame)
        _joint(film, femur.hip, socket_frame)


def _put(film: Film, material: str, *paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            film.add_path(material, path.window, path.length)


def _along(femur: Femur, share: float, up_mm: float = 0, back_mm: float = 0) -> Vector:
    """A point on the axis of the neck: 0 at the shaft's axis, 1 in the middle of the head."""
    over = np.cross([0.0, 1.0, 0.0], femur.neck_axis)
    over *= np.sign(over[2])
    return np.asarray(femur.base * (1 - share) + up_mm * over + [0, back_mm, 0])


def _screws(film: Film, femur: Femur, frame: Frame) -> None:
    """Three cannulated screws side by side, an inverted triangle; thread only in the head."""
    gap = 0.42 * femur.hip.neck_mm
    end = 1 + 0.45 * femur.hip.head_mm / femur.hip.neck_length_mm
    for up, back in ((-1.15 * gap, 0), (gap, -0.8 * gap), (gap, 0.9 * gap)):
        outside = -(femur.hip.shaft_mm + 4 + up * femur.neck_axis[0] * -0.78) / femur.base[0]
        start = _along(femur, outside, up, back)
        thread = _along(femur, end - 0.32, up, back)
        _put(
            film,
            "titanium",
            bar(film.beam, frame, start, thread, (2.6, 2.6)),
            bar(film.beam, frame, thread, _along(femur, end, up, back), (3.65, 3.65), thread_mm=3.2),
            bar(film.beam, frame, start, _along(femur, outside + 0.06, up, back), (4.3, 4.3)),
        )


def _lag(film: Film, femur: Femur, frame: Frame, metal: str, start: float) -> None:
    end = 1 + 0.55 * femur.hip.head_mm / femur.hip.neck_length_mm
    low = -2.5
    _put(
        film,
        metal,
        bar(film.beam, frame, _along(femur, start, low), _along(femur, end - 0.42, low), (4.2, 4.2)),
        bar(film.beam, frame, _along(femur, end - 0.42, low), _along(femur, end, low), (6.2, 6.2), thread_mm=3.4),
    )


def _plate(film: Film, femur: Femur, frame: Frame) -> None:
    """Sliding hip screw: barrel and plate on the outer side of the shaft, four screws."""
    x, _, z = femur.base
    out = x + femur.hip.shaft_mm + 1.8
    entry = z - 0.62 * femur.hip.shaft_mm
    _lag(film, femur, frame, "steel", 0.1)
    barrel = bar(film.beam, frame, _along(femur, -0.36, -2.5), _along(femur, 0.38, -2.5), (6.0, 6.0))
    plate = bar(film.beam, frame, (out + 1.5, 0, entry + 12), (out, 0, entry - 82), (2.9, 2.5))
    _put(film, "steel", barrel, plate)
    if plate is not None:
        film.add_path("steel", plate.window, plate.length, 2.2)  # three times as deep as it is wide
    for n in range(4):
        height = entry - 20 - 17 * n
        _put(
            film,
            "steel",
            bar(film.beam, frame, (out, 0, height), (x - femur.hip.shaft_mm - 2, 0, height), (2.2, 2.2), 2.6),
        )


def _nail(film: Film, femur: Femur, frame: Frame) -> None:
    """Short nail in the canal, lag screw through it, one bolt below."""
    x, _, z = femur.base
    _lag(film, femur, frame, "titanium", -0.42)
    _put(
        film,
        "titanium",
        bar(film.beam, frame, (x + 7, 3, z + 27), (x + 0.5, 0, z - 22), (7.8, 7.4)),
        bar(film.beam, frame, (x + 0.5, 0, z - 22), (x, -1, z - 140), (6.4, 5.0)),
        bar(film.beam, frame, (x + 19, 0, z - 118), (x - 17, 0, z - 118), (2.4, 2.4), thread_mm=2.8),
    )


def _stem(film: Film, femur: Femur, frame: Frame) -> None:
    """Tapered stem in the canal and its neck."""
    x, _, z = femur.base
    hip = femur.hip
    metal = "titanium" if hip.severity < 0.55 else "steel"
    shoulder = _along(femur, 0.34)
    wide = hip.shaft_mm * 0.62
    tip = z - 92 - 40 * hip.severity
    _put(
        film,
        metal,
        bar(film.beam, frame, (x - 7, 1, z + 9), (x - 1.5, 1, z - 24), (wide * 1.1, wide)),
        bar(film.beam, frame, (x - 1.5, 1, z - 22), (x, -1, tip), (wide, 3.6)),
        bar(film.beam, frame, shoulder, femur.neck_axis * -6.0, (7.2, 5.4)),
    )


def _joint(film: Film, hip: Hip, frame: Frame) -> None:
    """Head on a cup with its liner, or the large head of a hemiarthroplasty; origin of the frame in the socket."""
    if not has_cup(hip):
        _put(film, "steel", ball(film.beam, frame, (0, 0, 0), hip.head_mm - 0.4))
        return
    _put(film, "steel", ball(film.beam, frame, (0, 0, 0), 14 + 4 * hip.severity))
    opening = np.asarray(CUP_OPENING)
    beyond = (-opening / np.linalg.norm(opening), -1.5)
    outer = ball(film.beam, frame, (0, 0, 0), hip.head_mm + 2.5, beyond)
    inner = ball(film.beam, frame, (0, 0, 0), hip.head_mm - 1.8, beyond)
    if outer is not None and inner is not None:
        film.add_path("titanium", outer.window, outer.length)
        film.add_path("titanium", inner.window, inner.length, -1)
