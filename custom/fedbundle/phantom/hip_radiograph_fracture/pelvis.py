"""The bones of the trunk in their own frame: hip bones, sacrum, lowest lumbar vertebrae.

Axes in mm, for a body of average size: LPS from the middle between both femoral heads. A hip bone is the left one; the
frame of the right one mirrors x. Socket, columns, pubis and ischium are solid; the rest is in plates.py.
"""

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.hip_radiograph_fracture.bone import bone_density
from fedbundle.phantom.hip_radiograph_fracture.implants import has_cup
from fedbundle.phantom.hip_radiograph_fracture.patient import ARTHROPLASTY, Hip, Patient
from fedbundle.phantom.hip_radiograph_fracture.plates import add_spine, add_wing
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.radiograph_image import Film
from fedbundle.phantom.solid import Solid

STEP_MM = 2.2
LOW, HIGH = (1.0, -72.0, -96.0), (128.0, 62.0, 68.0)
"""The box that holds the solid part of a hip bone."""
OPENING = np.array([0.70, -0.36, -0.62])
"""Where a socket looks: to the side, forward and down."""
CUP_WALL_MM = 2.5


def add_trunk(film: Film, patient: Patient, frame: Frame) -> None:
    """Project both hip bones, the sacrum and the lowest vertebrae; `frame` is that of the body in table mm."""
    sized = frame @ np.diag([patient.size, patient.size, patient.size, 1.0])
    for side in (-1, 1):
        own = sized @ np.diag([side, 1.0, 1.0, 1.0])
        _add_ring(film, patient, own, patient.hips[0 if side < 0 else 1])
        add_wing(film, patient, own)
    add_spine(film, patient, sized)


def _add_ring(film: Film, patient: Patient, frame: Frame, hip: Hip) -> None:
    """Socket, both columns, pubis and ischium of one side."""
    block = film.beam.block(LOW, HIGH, frame, STEP_MM)
    if block is None:
        return
    solid = Solid(block, lambda low, high: film.beam.span(low, high, frame, STEP_MM))
    head = patient.half_distance_mm / patient.size
    bowl = bowl_mm(hip) / patient.size
    _add_socket(solid, head, bowl)
    _add_columns(solid, patient.width)
    _add_pubis(solid, patient.width)
    solid.carve((head, 0, 0), bowl)
    cancellous = np.float32(0.30 * patient.mineral) + _dome(solid, head, bowl, hip) * np.float32(0.5 * patient.mineral)
    density = bone_density(solid, 1.35 * patient.mineral**0.5, cancellous, None, STEP_MM)
    film.add_block("bone", block, density, STEP_MM)


def bowl_mm(hip: Hip) -> float:
    """Radius of the socket in its bone: head and cartilage, or the cup."""
    if hip.fracture == ARTHROPLASTY and has_cup(hip):
        return hip.head_mm + CUP_WALL_MM + 0.3
    return hip.head_mm + hip.joint_space_mm


def _add_socket(solid: Solid, head: float, bowl: float) -> None:
    """A thick cap around the head, thinnest towards the pelvis."""
    solid.ellipsoid((head - 1, 3, 5), (bowl + 6.5, bowl + 7, bowl + 8))
    block = solid.block
    rim = block.x * np.float32(OPENING[0]) + block.y * np.float32(OPENING[1])
    rim += block.z * np.float32(OPENING[2]) - np.float32(head * OPENING[0] + 3.5)
    np.maximum(solid.distance, rim, out=solid.distance)


def _add_columns(solid: Solid, w: float) -> None:
    """From the socket up into the wing in front and behind, the pelvic brim, and down to the ischium with its spine."""
    solid.path([(90 * w, 2, 34), (98 * w, -10, 44), (108 * w, -28, 58)], (12, 8, 3), blend=10)
    solid.path([(66 * w, 22, 30), (60 * w, 36, 46), (54 * w, 46, 60)], (11, 8, 2.5), blend=8)
    solid.path([(62 * w, -14, 6), (64 * w, 12, 26), (58 * w, 34, 44)], (5, 5.5, 4), blend=6)
    solid.path([(66 * w, 24, 10), (62 * w, 22, -16), (61 * w, 14, -44), (58 * w, 6, -66)], (12, 12, 13, 13), blend=9)
    solid.bar((58 * w, 34, -6), (47 * w, 44, -12), (7, 2.5), blend=5)


def _add_pubis(solid: Solid, w: float) -> None:
    """Upper branch, body with a flat face to the symphysis, lower branch."""
    solid.path([(64 * w, -18, 0), (44 * w, -38, -2), (22 * w, -50, -14)], (10.5, 7.5, 9), blend=9)
    solid.ellipsoid((13 * w, -51, -29), (13.5, 9, 20), blend=7)
    lower = [(13 * w, -48, -44), (26 * w, -32, -60), (46 * w, -6, -74), (57 * w, 4, -72)]
    solid.path(lower, (7.5, 6, 7, 12), blend=6)
    np.maximum(solid.distance, np.float32(2.4) - solid.block.x, out=solid.distance)


def _dome(solid: Solid, head: float, bowl: float, hip: Hip) -> Array:
    """0..1: the dense roof of the socket that carries the weight (sourcil), denser where cartilage is worn."""
    x, y, z = solid.block.x - np.float32(head), solid.block.y, solid.block.z
    away = np.sqrt(x * x + y * y + z * z)
    lift = (z * np.float32(0.93) + x * np.float32(0.25)) / away
    worn = np.float32(0.6 + 0.25 * max(0.0, 3.5 - hip.joint_space_mm))
    near = np.clip((np.float32(bowl + 3.5) - away) / 2, 0, 1) * worn
    return np.asarray(near * np.clip((lift - 0.55) * 5, 0, 1), np.float32)
