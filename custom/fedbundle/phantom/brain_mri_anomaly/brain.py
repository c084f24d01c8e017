"""A brain of implicit shapes: folded cortex, white matter, ventricles, deep grey matter; around it perhaps a skull."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.brain_mri_anomaly.patient import Patient
from fedbundle.phantom.canvas import Array, Block, Canvas, rotation
from fedbundle.phantom.texture import Texture

CORTEX_MM = 3.0
SULCUS_DEPTH_MM = 17.0
FISSURE_DEPTH_MM = 24.0
SKULL_MM = ((2.5, "bone"), (9.0, "fat"), (15.0, "air"))  # where each begins, outside of the brain
GRAIN = 0.03  # of the signal of solid tissue


@dataclass(frozen=True)
class Painted:
    """What of a painted brain is needed for lesions and for stripping."""

    block: Block  # all voxels
    depth: Array  # mm below the envelope of the brain, negative outside
    to_fluid: Array  # mm to the fluid of the next sulcus or of the surface, about


def paint_brain(canvas: Canvas, patient: Patient, tissue: Mapping[str, float], texture: Texture) -> Painted:
    """Paint the brain of a patient on a canvas [slice, row, column] that covers it."""
    block = canvas.block((-150, -150, -150), (150, 150, 150))
    if block is None:
        raise ValueError("grid must show the head, got one beside it; centre it on the patient")
    depth = _depth(block, patient, texture)
    to_fluid = _to_fluid(block, depth, patient, texture)
    canvas.blend(block, np.ones(depth.shape, np.float32), tissue["white"])
    _deep_grey(canvas, patient, tissue)
    _ventricles(canvas, patient, tissue)
    canvas.blend(block, canvas.cover(to_fluid - CORTEX_MM), tissue["grey"])
    canvas.signal[block.index] *= 1 + GRAIN * texture.fine(block)
    canvas.blend(block, canvas.cover(to_fluid), tissue["fluid"])
    return Painted(block, depth, to_fluid)


def paint_skull(canvas: Canvas, painted: Painted, tissue: Mapping[str, float]) -> None:
    """What lies outside of the brain: fluid, bone, scalp, air."""
    for begins, name in SKULL_MM:
        canvas.blend(painted.block, canvas.cover(painted.depth + begins), tissue.get(name, 0.0))


def _depth(block: Block, patient: Patient, texture: Texture) -> Array:
    """Depth below a superellipsoid that is flat below and bulges a little."""
    a, b, c = patient.half_axes
    below = np.where(block.z < 0, 0.8, 1.0).astype(np.float32)
    narrow = 1 + 0.12 * block.y / b  # the front is narrower than the back
    level = np.abs(block.x / (a * narrow)) ** 2.3 + np.abs(block.y / b) ** 2.2 + np.abs(block.z / (c * below)) ** 2.2
    radius = np.sqrt(block.x**2 + block.y**2 + block.z**2)
    depth = radius * (np.maximum(level, 1e-3) ** (-1 / 2.25) - 1)
    return np.asarray(depth + 0.8 * texture.coarse(block, 0.3), np.float32)


def _to_fluid(block: Block, depth: Array, patient: Patient, texture: Texture) -> Array:
    """Distance to the fluid on the surface, in sulci (sheets where a random field is 0) and between the hemispheres."""
    field = texture.coarse(block, 0.8 / patient.fold)
    sulci = 3.6 * patient.fold * np.abs(field) - patient.sulcus_mm + np.maximum(0, depth - SULCUS_DEPTH_MM) * 0.7
    between = np.abs(block.x) - 0.4 - 0.5 * patient.sulcus_mm + 0.8 * np.maximum(0, depth - FISSURE_DEPTH_MM)
    return np.asarray(np.minimum(np.minimum(depth, sulci), between), np.float32)


def _deep_grey(canvas: Canvas, patient: Patient, tissue: Mapping[str, float]) -> None:
    scale = patient.half_axes[0] / 66
    for side in (-1, 1):
        for centre, radii, turn in (
            ((12, -16, 6), (5, 14, 9), 12),  # caudate nucleus
            ((25, -4, 0), (6, 16, 9), 8),  # putamen
            ((11, 12, 3), (9, 14, 9), -20),  # thalamus
        ):
            place = [side * scale * centre[0], scale * centre[1], scale * centre[2]]
            sizes = [scale * radius for radius in radii]
            canvas.ellipsoid(place, sizes, [(0, tissue["deep grey"])], rotation(0, 0, side * turn))


def _ventricles(canvas: Canvas, patient: Patient, tissue: Mapping[str, float]) -> None:
    """Lateral ventricles from the frontal to the occipital horn, and the third ventricle."""
    wide, fluid = patient.ventricle_mm, [(0.0, tissue["fluid"])]
    for side in (-1, 1):
        points = [(side * x, y, z) for x, y, z in ((8, -34, 10), (7 + wide / 3, -8, 17), (13, 22, 16), (20, 46, 6))]
        radii = (0.55 * wide, 0.9 * wide, wide, 0.45 * wide)
        for start, end, first, last in zip(points, points[1:], radii, radii[1:], strict=False):
            canvas.capsule(start, end, (first, last), fluid)
    canvas.ellipsoid((0, 4, 0), (0.25 * wide, 13, 9), fluid)
