"""What a fracture makes of a femur: pieces, the surfaces between them, and where each piece has gone.

Everything happens in three dimensions, in the frame of the whole femur (see femur.py), so that a line shows only as
far as the rays run along it. Patterns follow Garden (1961) for the neck and AO/OTA 31-A (2018) for the trochanters.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import placed, rotation
from fedbundle.phantom.hip_radiograph_fracture.cuts import SMOOTH, Cut, Vector, rough
from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.patient import (
    ARTHROPLASTY,
    INTERTROCHANTERIC,
    NECK,
    NECK_DISPLACED,
)
from fedbundle.phantom.solid import Solid

RESTING_TURN = 8.0
"""Internal rotation in degrees of a head that no longer follows its leg."""
IMPACTED = 0.5
"""Of fractures without displacement, the share that is driven together."""
LESSER_BROKEN = 0.65
"""Share of intertrochanteric fractures that break off the lesser trochanter (AO/OTA 31-A2)."""


@dataclass(frozen=True)
class Fragment:
    """One piece of a femur."""

    parts: tuple[Callable[[Solid], None], ...]
    """What it is built of, in order."""
    low: Vector
    high: Vector
    """The box around it, femur mm."""
    cuts: tuple[Cut, ...]
    turn_degrees: float
    """Internal rotation of its leg."""
    move: NDArray[np.float64]
    """4x4: how it has moved against the whole femur."""


def fragments(femur: Femur) -> tuple[Fragment, ...]:
    """The pieces of a hip by its class, the one with the shaft last."""
    random = np.random.default_rng(femur.hip.grain)
    kinds = {
        NECK: _neck,
        NECK_DISPLACED: _neck_displaced,
        INTERTROCHANTERIC: _trochanters,
        ARTHROPLASTY: _resected,
    }
    return kinds.get(femur.hip.fracture, _whole)(femur, random)


def _whole(femur: Femur, _: np.random.Generator) -> tuple[Fragment, ...]:
    box = _box(femur, head=True, shaft=True)
    return (Fragment((femur.add_head, *_lower(femur)), *box, (), femur.hip.turn_degrees, np.eye(4)),)


def _resected(femur: Femur, _: np.random.Generator) -> tuple[Fragment, ...]:
    """The neck is sawn through near its base."""
    point = femur.base + femur.neck_axis * (0.36 * femur.hip.neck_length_mm)
    saw = Cut(point, rotation(0, 8, 0) @ femur.neck_axis, SMOOTH)
    box = _box(femur, head=False, shaft=True)
    return (Fragment(_lower(femur), *box, (saw,), femur.hip.turn_degrees, np.eye(4)),)


def _neck(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """Garden I: driven into each other in valgus, a dense line; or Garden II: a fine gap."""
    hip = femur.hip
    cut = _neck_cut(femur, random, 0.55 + 0.75 * hip.severity)
    if hip.variant < IMPACTED:
        gap, tilt = -0.6 - 3.0 * hip.severity, 2 + 11 * hip.severity
        move = _about(cut.point, _varus(-tilt), -0.5 * femur.neck_axis)
    else:
        gap, slip = 0.35 + 1.9 * hip.severity, 0.3 + 2.0 * hip.severity
        aside = np.cross(femur.neck_axis, [0.0, 1.0, 0.0]) * slip
        move = _about(cut.point, rotation(0, random.normal(0, 2), random.normal(0, 3)), aside)
    head, shaft = _two(femur, cut, gap)
    return replace(head, turn_degrees=hip.turn_degrees, move=move), replace(shaft, turn_degrees=hip.turn_degrees)


def _neck_displaced(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """Garden III and IV: the head tilts, mostly into varus; the shaft rides up and turns outwards."""
    hip = femur.hip
    far = 0.25 + 0.75 * hip.severity
    cut = _neck_cut(femur, random, 1.3)
    varus = (10 + 24 * far) * (1 if hip.variant < 0.8 else -0.6)
    ride = np.array([2.0 + 3 * far, 2 + 4 * far, 5 + 19 * far])
    head, shaft = _two(femur, cut, 0.8 + 1.5 * far)
    return (
        replace(head, move=_about(np.zeros(3), rotation(random.normal(0, 8), 0, 0) @ _varus(varus), np.zeros(3))),
        replace(shaft, move=_about(cut.point, _outwards(femur), ride)),
    )


def _trochanters(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """AO/OTA 31-A1 and A2: from the greater trochanter down to the lesser, which may break off."""
    hip, (x, _, z) = femur.hip, femur.base
    far, r = hip.severity, hip.shaft_mm
    start = np.array([x + 0.9 * r, 0, z + 10 + 10 * hip.variant])
    end = np.array([x - 1.1 * r, 0, z - 26 - 8 * hip.variant])
    normal = np.array([end[2] - start[2], 60 * random.normal(0, 0.18), start[0] - end[0]])
    normal *= np.sign(normal @ femur.neck_axis) / np.linalg.norm(normal)
    cut = Cut((start + end) / 2, normal, rough(random, 1.9))
    head = Fragment(
        (femur.add_head, femur.add_neck, femur.add_trochanters),
        *_box(femur, head=True, shaft=False, margin=14),
        (cut.turned().grown(-0.7 - 1.6 * far),),
        RESTING_TURN,
        _about(np.zeros(3), _varus(3 + 24 * far), np.zeros(3)),
    )
    ride = np.array([-2 - 7 * far, 1 + 3 * far, 2 + 15 * far])
    move = _about(cut.point, _outwards(femur), ride)
    shaft = Fragment(_lower(femur), *_box(femur, head=False, shaft=True), (cut,), RESTING_TURN, move)
    if hip.variant < 1 - LESSER_BROKEN:
        return head, shaft
    middle = np.array([x - 0.75 * r, 7, z - 30])
    inwards = np.array([0.85, -0.45, -0.25])
    split = Cut(middle - [-4, 0, 0], inwards / np.linalg.norm(inwards), rough(random, 1.0), within_mm=1.25 * r)
    away = np.array([-2.0 - 5 * far, 0, 2 + 9 * far])
    lesser = Fragment(
        (femur.add_trochanters, femur.add_shaft, femur.add_lesser),
        middle - 1.6 * r,
        middle + 1.6 * r,
        (split, cut),
        RESTING_TURN,
        move @ _about(split.point, rotation(random.normal(0, 8), 8 + 16 * far, 0), away),
    )
    return head, lesser, replace(shaft, cuts=(cut, split.turned().grown(-0.5)))


def _two(femur: Femur, cut: Cut, gap: float) -> tuple[Fragment, Fragment]:
    """Head and shaft on both sides of a cut through the neck, `gap` mm apart; below 0 they overlap."""
    small, large = _box(femur, head=True, shaft=False), _box(femur, head=True, shaft=True)
    head = Fragment((femur.add_head, femur.add_neck), *small, (cut.turned().grown(-gap / 2),), RESTING_TURN, np.eye(4))
    parts = (femur.add_head, *_lower(femur))
    return head, Fragment(parts, *large, (cut.grown(-gap / 2),), RESTING_TURN, np.eye(4))


def _lower(femur: Femur) -> tuple[Callable[[Solid], None], ...]:
    """All but the head."""
    return (femur.add_neck, femur.add_trochanters, femur.add_shaft, femur.add_lesser)


def _box(femur: Femur, head: bool, shaft: bool, margin: float = 3) -> tuple[Vector, Vector]:
    r, (x, _, z) = femur.hip.head_mm, femur.base
    low = np.array([-r if head else -6.0, -r, -190.0 if shaft else z - 26]) - margin
    high = np.array([x + 30.0 if shaft else x + 12, r, (r if head else z + 36.0)]) + margin
    return low, high


def _neck_cut(femur: Femur, random: np.random.Generator, roughness: float) -> Cut:
    """Below the head or through the neck, more or less steep (Pauwels 1935)."""
    place = femur.hip.head_mm * (0.72 + 0.55 * random.random())
    tilted = rotation(random.normal(0, 6), random.normal(-4, 11), 0)
    return Cut(-femur.neck_axis * place, tilted @ femur.neck_axis, rough(random, roughness))


def _outwards(femur: Femur) -> NDArray[np.float64]:
    """3x3: how a shaft without its head lies turned, against one at rest."""
    return rotation(0, 0, RESTING_TURN - femur.hip.turn_degrees)


def _varus(degrees: float) -> NDArray[np.float64]:
    """3x3: the head tips over to the inner side; below 0 into valgus."""
    return rotation(0, -degrees, 0)


def _about(point: Vector, turn: NDArray[np.float64], shift: Vector) -> NDArray[np.float64]:
    """4x4: turn about a point, then shift."""
    there = placed((point + shift).tolist(), turn)
    return np.asarray(there @ placed((-point).tolist()))
