"""The walls of the pelvis: skin and fat, bones, muscles, vessels in front, levator ani."""

from math import copysign

import numpy as np

from fedbundle.phantom.canvas import Canvas, Layers, rotation
from fedbundle.phantom.male_pelvis.organs import EVERYWHERE, bowel, paint_organs
from fedbundle.phantom.male_pelvis.patient import Patient
from fedbundle.phantom.male_pelvis.tissues import Paints, Palette, mix
from fedbundle.phantom.texture import Texture


def paint_pelvis(
    canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture, random: np.random.Generator
) -> None:
    """Paint all but the gland, from the outside in."""
    drawn: list[float] = random.uniform(-1, 1, size=16).tolist()
    whole = canvas.block([-EVERYWHERE] * 3, [EVERYWHERE] * 3)
    if whole is None:
        return
    paints = mix(canvas, whole, tissue, texture)
    canvas.signal[:] = paints.fat
    _paint_outer_muscles(canvas, patient, paints)
    _paint_bones(canvas, patient, tissue, paints)
    _paint_side_wall(canvas, patient, paints)
    _paint_front_wall(canvas, patient, tissue, paints)
    _paint_pelvic_floor(canvas, patient, tissue, paints)
    paint_organs(canvas, patient, tissue, texture, drawn)
    _paint_air(canvas, patient, tissue)


def _paint_outer_muscles(canvas: Canvas, patient: Patient, paints: Paints) -> None:
    """Gluteus maximus behind; obturator externus, pectineus and adductors at the side in front."""
    s = patient.body
    flesh = [(0.0, paints.muscle)]
    for side in (-s, s):
        turn = rotation(0, 0, -32 * copysign(1, side))
        canvas.ellipsoid((62 * side, 82 * s, -8 * s), (58 * s, 19 * s, 85 * s), flesh, turn)
        canvas.capsule((24 * side, -44 * s, -26 * s), (80 * side, 8 * s, -20 * s), (10 * s, 13 * s), flesh)
        canvas.capsule((20 * side, -66 * s, -40 * s), (76 * side, -52 * s, 40 * s), (12 * s, 14 * s), flesh)
        canvas.capsule((14 * side, -64 * s, -60 * s), (60 * side, -34 * s, -46 * s), (10 * s, 18 * s), flesh)


def _paint_bones(canvas: Canvas, patient: Patient, tissue: Palette, paints: Paints) -> None:
    """Femoral heads in their sockets, pubis with symphysis, ischium, coccyx."""
    s = patient.body
    front = -(patient.gland[1] + 17)
    bone: Layers = [(0.0, tissue["cortex"]), (1.6, paints.marrow)]
    head: Layers = [(-1.5, tissue["joint fluid"]), (0, tissue["cortex"]), (2.2, paints.marrow)]
    for side in (-s, s):
        out = copysign(1, side)
        canvas.ellipsoid((65 * side, 26 * s, 14 * s), (10 * s, 17 * s, 45 * s), bone, rotation(0, 0, -18 * out))
        canvas.ellipsoid((56 * side, 24 * s, -34 * s), (12 * s, 16 * s, 26 * s), bone, rotation(0, 0, 25 * out))
        canvas.ellipsoid((88 * side, -6 * s, 16 * s), (31 * s, 31 * s, 31 * s), bone)
        canvas.ellipsoid((88 * side, -6 * s, 16 * s), (26 * s, 26 * s, 26 * s), head)
        canvas.capsule((12 * side, front - 9, -8 * s), (64 * side, -30 * s, 24 * s), (9.5 * s, 10 * s), bone)
        canvas.capsule((9 * side, front - 6, -20 * s), (50 * side, 14 * s, -52 * s), (8 * s, 9 * s), bone)
        turn = rotation(-25, 0, -22 * out)
        canvas.ellipsoid((10.5 * side, front - 8, -10 * s), (9.5 * s, 10.5 * s, 20 * s), bone, turn)
    disc = [(0, tissue["cartilage"])]
    canvas.ellipsoid((0, front - 8, -10 * s), (2.6 * s, 9.5 * s, 18 * s), disc, rotation(-25, 0, 0))
    canvas.capsule((0, 84 * s, 60 * s), (0, 62 * s, 2 * s), (13 * s, 5 * s), bone)


def _paint_side_wall(canvas: Canvas, patient: Patient, paints: Paints) -> None:
    """Obturator internus: a dark sheet on the inside of socket and ischium."""
    s = patient.body
    for side in (-s, s):
        block = canvas.block([54 * side - 17 * s, -38 * s, -45 * s], [54 * side + 17 * s, 54 * s, EVERYWHERE])
        if block is None or canvas.relief is None:
            continue
        x, y, z = np.abs(block.x) / s, block.y / s - 4, block.z / s
        squares = y**2
        middle = 51 - 0.0062 * squares + 0.05 * z
        half = 8.5 - 0.0026 * squares - np.clip(-z - 25, 0, 20) * 0.3
        distance = (np.abs(x - middle) - half) * s - canvas.relief[block.index]
        canvas.layer(block, distance, [(0, paints.muscle)])


def _paint_front_wall(canvas: Canvas, patient: Patient, tissue: Palette, paints: Paints) -> None:
    """Rectus muscles above the pubis, femoral vessels, spermatic cords."""
    s = patient.body
    front = -(patient.gland[1] + 17)
    artery: Layers = [(0, tissue["connective"]), (0.8, tissue["artery"])]
    vein: Layers = [(0, tissue["connective"]), (0.8, tissue["stroma"])]
    cord: Layers = [(0, tissue["stroma"]), (1.2, tissue["fat"]), (4, tissue["artery"])]
    for side in (-s, s):
        canvas.ellipsoid((11 * side, front - 16, 50), (10.5 * s, 4.6, 48), [(0, paints.muscle)], rotation(-3, 0, 0))
        canvas.capsule((54 * side, -66 * s, -60), (60 * side, -58 * s, 70), (5, 5), artery)
        canvas.capsule((44 * side, -64 * s, -60), (50 * side, -54 * s, 70), (6, 6), vein)
        canvas.capsule((26 * side, front - 26, -60), (38 * side, front - 20, 50), (6, 6), cord)


def _paint_pelvic_floor(canvas: Canvas, patient: Patient, tissue: Palette, paints: Paints) -> None:
    """Levator ani: a funnel from the side walls down to a sling behind the anal canal; fat inside it."""
    a, b, c = patient.gland
    s = patient.body
    block = canvas.block([-48 * s, -b - 26, -c - 24], [48 * s, b + 2 * patient.rectum_mm + 30, EVERYWHERE])
    if block is None:
        return
    rise = np.clip((block.z[:, :, :1] + c) / (2 * c), -0.4, 2.2)
    path, radius = bowel(patient, block.z[:, :, :1])
    back = path + radius + 2.5 + 7 * np.clip(rise - 0.4, 0, 1)
    middle, deep = (back - b - 5) / 2, (back + b + 5) / 2
    wide = (min(a + 7, 40 * s)) * (0.50 + 0.56 * np.sqrt(np.clip(rise + 0.4, 0, 1.1)))
    along = (block.y - middle) / deep
    across = block.x / (wide * (1 - 0.22 * np.clip(along, -1, 1)))
    funnel = (np.sqrt(across**2 + along**2) - 1) * wide
    below = -c - 16 - block.z
    grey = 0.8 * paints.fat[(..., *block.index)] + (0.2 * tissue["connective"])
    canvas.blend(block, canvas.cover(np.maximum(funnel, below)), grey)
    open_front = np.clip(-b - 3 - block.y, 0, None) * 0.8
    sheet = np.abs(funnel) - 1.8 - 1.2 * np.clip(0.3 - rise, 0, 1) + open_front + np.clip(rise - 1.25, 0, None) * 6
    canvas.layer(block, np.maximum(sheet, below), [(0, paints.muscle)])


def _paint_air(canvas: Canvas, patient: Patient, tissue: Palette) -> None:
    """Air in front of the belly, and the skin as a thin grey line."""
    s = patient.body
    front = -(patient.gland[1] + 40 + patient.fat_mm)
    block = canvas.block([-EVERYWHERE, -EVERYWHERE, -EVERYWHERE], [EVERYWHERE, front + 25, EVERYWHERE])
    if block is None:
        return
    skin = front + block.x**2 * (0.0022 / s**2) - 0.06 * block.z
    canvas.layer(block, block.y - skin, [(-1.5, tissue["stroma"]), (0, tissue["air"])])
