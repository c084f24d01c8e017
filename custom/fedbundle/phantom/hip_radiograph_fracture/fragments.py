"""What a fracture makes of a femur: pieces, the rough surfaces between them, and where each piece has gone.

Everything happens in three dimensions, in the frame of the whole femur (see femur.py), so that a line shows only as
far as the rays run along it. Patterns follow Garden (1961) for the neck and AO/OTA 31-A (2018) for the trochanters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block, placed, rotation
from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.patient import (
    ARTHROPLASTY,
    FIXATION,
    INTERTROCHANTERIC,
    NECK,
    NECK_DISPLACED,
    NONE,
)
from fedbundle.phantom.solid import Solid

RESTING_TURN = 8.0
"""Internal rotation in degrees of a head that no longer follows its leg."""
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A rough surface; what lies on the side of its normal is cut away."""

    point: Vector
    normal: Vector
    waves: NDArray[np.float64]
    """[wave, (amplitude in mm, phase, three wave numbers per mm)]."""

    def distance(self, block: Block) -> Array:
        """Signed distance in mm at the points of a block, negative where the piece stays."""
        p, n = self.point, self.normal
        away = block.x * np.float32(n[0]) + block.y * np.float32(n[1])
        away += block.z * np.float32(n[2]) - np.float32(p @ n)
        sign = np.float32(1 if n[np.argmax(np.abs(n))] > 0 else -1)
        for height, phase, *numbers in self.waves:
            a, b, c = (np.float32(value) for value in numbers)
            away += (sign * np.float32(height)) * np.sin(a * block.x + b * block.y + (c * block.z + np.float32(phase)))
        return away

    def turned(self) -> "Cut":
        """The other side of the same surface."""
        return Cut(self.point, -self.normal, self.waves)

    def moved(self, mm: float) -> "Cut":
        """The same surface, `mm` further along its normal: the piece grows."""
        return Cut(self.point + mm * self.normal, self.normal, self.waves)


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
    """The pieces of a hip by its class; those of a hip without fracture are one."""
    hip = femur.hip
    random = np.random.default_rng(hip.grain)
    if hip.fracture in (NONE, FIXATION):
        return (_whole(femur),)
    if hip.fracture == ARTHROPLASTY:
        return (_resected(femur),)
    kinds = {NECK: _neck, NECK_DISPLACED: _neck_displaced, INTERTROCHANTERIC: _trochanters}
    return kinds[hip.fracture](femur, random)


def _box(femur: Femur, head: bool, shaft: bool, margin: float = 3) -> tuple[Vector, Vector]:
    r, (x, _, z) = femur.hip.head_mm, femur.base
    low = np.array([-r if head else -6.0, -r, -190.0 if shaft else z - 26]) - margin
    high = np.array([x + 30.0 if shaft else x + 12, r, (r if head else z + 36.0)]) + margin
    return low, high


def _shaft_parts(femur: Femur) -> tuple[Callable[[Solid], None], ...]:
    return (femur.add_neck, femur.add_trochanters, femur.add_shaft, femur.add_lesser)


def _whole(femur: Femur) -> Fragment:
    box = _box(femur, head=True, shaft=True)
    return Fragment((femur.add_head, *_shaft_parts(femur)), *box, (), femur.hip.turn_degrees, np.eye(4))


def _resected(femur: Femur) -> Fragment:
    """The neck is sawn through near its base."""
    point = femur.base + femur.neck_axis * (0.36 * femur.hip.neck_length_mm)
    cut = Cut(point, rotation(0, 8, 0) @ femur.neck_axis, np.zeros((0, 5)))
    return Fragment(_shaft_parts(femur), *_box(femur, False, True), (cut,), femur.hip.turn_degrees, np.eye(4))


def _neck(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """Garden I: driven into each other in valgus, a dense line; or Garden II: a fine gap."""
    hip = femur.hip
    cut = _neck_cut(femur, random, 0.55 + 0.75 * hip.severity)
    impacted = hip.variant < 0.5
    if impacted:
        overlap, tilt = 0.6 + 3.0 * hip.severity, 2 + 11 * hip.severity
        move = _about(cut.point, rotation(0, -tilt, 0), -0.5 * femur.neck_axis)
        gap = -overlap
    else:
        gap, slip = 0.35 + 1.9 * hip.severity, 0.3 + 2.0 * hip.severity
        aside = np.cross(femur.neck_axis, [0.0, 1.0, 0.0]) * slip
        move = _about(cut.point, rotation(0, random.normal(0, 2), random.normal(0, 3)), aside)
    return _two(femur, cut, gap, hip.turn_degrees, move, hip.turn_degrees)


def _neck_displaced(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """Garden III and IV: the head tilts, the shaft rides up and turns outwards."""
    hip = femur.hip
    far = 0.25 + 0.75 * hip.severity
    cut = _neck_cut(femur, random, 1.3)
    tilt = (10 + 24 * far) * (1 if hip.variant < 0.8 else -0.6)
    head = _about(np.zeros(3), rotation(random.normal(0, 8), tilt, 0), np.zeros(3))
    ride = np.array([2.0 + 3 * far, 2 + 4 * far, 5 + 19 * far])
    outwards = rotation(0, 0, RESTING_TURN - hip.turn_degrees)
    shaft = _about(cut.point, outwards, ride)
    pieces = _two(femur, cut, 0.8 + 1.5 * far, RESTING_TURN, head, RESTING_TURN)
    return pieces[0], Fragment(**{**pieces[1].__dict__, "move": shaft})


def _two(
    femur: Femur, cut: Cut, gap: float, head_turn: float, move: NDArray[np.float64], shaft_turn: float
) -> tuple[Fragment, Fragment]:
    """Head and shaft on both sides of a cut through the neck, `gap` mm apart; below 0 they overlap."""
    head = Fragment(
        (femur.add_head, femur.add_neck),
        *_box(femur, head=True, shaft=False),
        (cut.turned().moved(-gap / 2),),
        head_turn,
        move,
    )
    shaft = Fragment(
        (femur.add_head, *_shaft_parts(femur)),
        *_box(femur, head=True, shaft=True),
        (cut.moved(-gap / 2),),
        shaft_turn,
        np.eye(4),
    )
    return head, shaft


def _trochanters(femur: Femur, random: np.random.Generator) -> tuple[Fragment, ...]:
    """AO/OTA 31-A1 and A2: from the greater trochanter down to the lesser, which may break off."""
    hip = femur.hip
    far = hip.severity
    x, _, z = femur.base
    r = hip.shaft_mm
    start = np.array([x + 0.9 * r, 0, z + 10 + 10 * hip.variant])
    end = np.array([x - 1.1 * r, 0, z - 26 - 8 * hip.variant])
    along = (end - start) / np.linalg.norm(end - start)
    normal = np.array([along[2], random.normal(0, 0.18), -along[0]])  # towards the head
    normal *= np.sign(normal @ femur.neck_axis) / np.linalg.norm(normal)
    cut = Cut((start + end) / 2, normal, _waves(random, 1.9))
    split = Cut(
        np.array([x - 0.52 * r, 5, z - 30]),
        np.array([-0.85, 0.45, 0.25]) / np.linalg.norm([-0.85, 0.45, 0.25]),
        _waves(random, 1.0),
    )
    broken = hip.variant > 0.35
    varus = 3 + 24 * far
    gap = 0.7 + 1.6 * far
    head = Fragment(
        (femur.add_head, femur.add_neck, femur.add_trochanters),
        *_box(femur, head=True, shaft=False, margin=14),
        (cut.turned().moved(-gap),),
        RESTING_TURN,
        _about(np.zeros(3), rotation(0, varus, 0), np.zeros(3)),
    )
    ride = np.array([-2 - 7 * far, 1 + 3 * far, 2 + 15 * far])
    shaft_move = _about(cut.point, rotation(0, 0, RESTING_TURN - hip.turn_degrees), ride)
    shaft = Fragment(
        _shaft_parts(femur) if not broken else (femur.add_neck, femur.add_trochanters, femur.add_shaft),
        *_box(femur, head=False, shaft=True),
        (cut,),
        RESTING_TURN,
        shaft_move,
    )
    if not broken:
        return head, shaft
    away = np.array([-3.0 - 6 * far, 1, 4 + 11 * far])
    lesser = Fragment(
        (femur.add_shaft, femur.add_lesser),
        np.array([x - 2.8 * r, -4, z - 58]),
        np.array([x + 4, 2.4 * r, z - 4]),
        (split.turned(),),
        RESTING_TURN,
        shaft_move @ _about(split.point, rotation(random.normal(0, 8), 12 + 20 * far, 0), away),
    )
    return head, Fragment(**{**shaft.__dict__, "cuts": (cut, split)}), lesser


def _neck_cut(femur: Femur, random: np.random.Generator, roughness: float) -> Cut:
    """Below the head or through the neck, more or less steep (Pauwels)."""
    hip = femur.hip
    place = hip.head_mm * (0.72 + 0.55 * random.random())
    tilted = rotation(random.normal(0, 6), random.normal(-4, 11), 0)
    return Cut(-femur.neck_axis * place, tilted @ femur.neck_axis, _waves(random, roughness))


def _waves(random: np.random.Generator, height: float) -> NDArray[np.float64]:
    """Waves of 30 to 5 mm; shorter ones are lower."""
    lengths = np.array([30.0, 17.0, 9.0, 5.0])
    direction = random.normal(size=(4, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    heights = height * np.array([0.9, 0.7, 0.45, 0.25])
    phases = random.uniform(0, 2 * np.pi, 4)
    return np.column_stack([heights, phases, direction * (2 * np.pi / lengths)[:, None]])


def _about(point: Vector, turn: NDArray[np.float64], shift: Vector) -> NDArray[np.float64]:
    """4x4: turn about a point, then shift."""
    there = placed((point + shift).tolist(), turn)
    return np.asarray(there @ placed((-point).tolist()))
