"""All bones of a patient, projected on a film."""

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import placed, rotation
from fedbundle.phantom.hip_radiograph_fracture.bone import bone_density
from fedbundle.phantom.hip_radiograph_fracture.femur import Femur
from fedbundle.phantom.hip_radiograph_fracture.fragments import Fragment, fragments
from fedbundle.phantom.hip_radiograph_fracture.implants import add_implant
from fedbundle.phantom.hip_radiograph_fracture.patient import Patient
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.radiograph_image import Film
from fedbundle.phantom.solid import Solid

FEMUR_STEP_MM = 1.6


def body_frame(patient: Patient) -> Frame:
    """4x4 from pelvis mm to table mm."""
    return placed((0, 0, 0), rotation(patient.tilt_degrees, patient.list_degrees, patient.rotation_degrees))


def head_of(patient: Patient, side: int) -> NDArray[np.float64]:
    """Middle of a socket in table mm; `side` is 1 for left, -1 for right."""
    place: NDArray[np.float64] = body_frame(patient)[:3, :3] @ [side * patient.half_distance_mm, 0, 0]
    return place


def femur_frame(patient: Patient, femur: Femur, side: int, piece: Fragment) -> Frame:
    """4x4 to table mm of a piece of a femur."""
    frame: Frame = femur.frame(head_of(patient, side), side, piece.turn_degrees) @ piece.move
    return frame


def socket_frame(patient: Patient, side: int) -> Frame:
    """4x4 to table mm of a socket: axes of the pelvis, mirrored on the right, origin in the middle of the joint."""
    frame: Frame = body_frame(patient) @ placed((side * patient.half_distance_mm, 0, 0), np.diag([side, 1.0, 1.0]))
    return frame


def add_femur(film: Film, patient: Patient, side: int) -> None:
    """Project one femur, in pieces where it is broken, and its implant."""
    femur = Femur(patient.hips[0 if side < 0 else 1])
    pieces = fragments(femur)
    add_implant(film, femur, femur_frame(patient, femur, side, pieces[-1]), socket_frame(patient, side))
    for piece in pieces:
        add_piece(film, femur, piece, femur_frame(patient, femur, side, piece))


def add_piece(film: Film, femur: Femur, piece: Fragment, frame: Frame) -> None:
    """Project one piece of a femur, which `frame` lays on the table."""
    block = film.beam.block(piece.low, piece.high, frame, FEMUR_STEP_MM)
    if block is None:
        return
    solid = Solid(block, lambda low, high: film.beam.span(low, high, frame, FEMUR_STEP_MM))
    for add in piece.parts:
        add(solid)
    cut = None
    for each in piece.cuts:
        here = each.distance(block)
        cut = here if cut is None else np.maximum(cut, here)
    density = bone_density(solid, femur.cortex(solid), femur.cancellous(solid), cut, FEMUR_STEP_MM)
    film.add_block("bone", block, density, FEMUR_STEP_MM)
