"""What surrounds the prostate: skin and fat, bones, muscles, bladder, seminal vesicles, rectum, levator ani."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block, Canvas, Layers, placed, rotation
from fedbundle.phantom.prostate_mri_zones.patient import Patient
from fedbundle.phantom.texture import Texture

EVERYWHERE = 400.0


@dataclass(frozen=True)
class Paints:
    """Signals that vary from voxel to voxel of a canvas, [sub-slice, row, column]."""

    fat: Array
    muscle: Array
    marrow: Array


def paint_pelvis(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, random: np.random.Generator
) -> None:
    """Paint from the outside in; the gland comes later, over all of it."""
    drawn = random.uniform(-1, 1, size=16)
    whole = canvas.block([-EVERYWHERE] * 3, [EVERYWHERE] * 3)
    if whole is None:
        return
    paints = _mix(canvas, whole, tissue, texture)
    canvas.signal[:] = paints.fat
    _paint_outer_muscles(canvas, patient, paints)
    _paint_bones(canvas, patient, tissue, paints)
    _paint_side_wall(canvas, patient, paints)
    _paint_front_wall(canvas, patient, tissue, paints)
    _paint_pelvic_floor(canvas, patient, tissue, paints)
    _paint_plexus(canvas, patient, tissue, texture)
    _paint_bladder(canvas, patient, tissue, drawn)
    _paint_vesicles(canvas, patient, tissue, texture, drawn)
    _paint_rectum(canvas, patient, tissue, texture, drawn)
    _paint_bundles(canvas, patient, tissue)
    _paint_air(canvas, patient, tissue)


def _mix(canvas: Canvas, whole: Block, tissue: dict[str, float], texture: Texture) -> Paints:
    """Fat with thin septa, muscle with streaks of fat, mottled marrow; and uneven surfaces for all that follows."""
    coarse = texture.coarse(whole)
    strands = np.abs(coarse)
    strands *= -9
    strands += 1
    np.clip(strands, 0, 1, out=strands)
    canvas.relief = coarse * np.float32(0.8)
    return Paints(
        fat=np.float32(tissue["fat"]) - strands * np.float32(0.3 * tissue["fat"]),
        muscle=np.float32(tissue["muscle"]) + strands * np.float32(0.25 * (tissue["fat"] - tissue["muscle"])),
        marrow=np.float32(tissue["marrow"]) + coarse * np.float32(0.10 * tissue["marrow"]),
    )


def _paint_outer_muscles(canvas: Canvas, patient: Patient, paints: Paints) -> None:
    """Gluteus maximus behind; obturator externus, pectineus and adductors at the side in front."""
    s = patient.body
    flesh = [(0.0, paints.muscle)]
    for side in (-s, s):
        turn = rotation(0, 0, -32 * np.sign(side))
        canvas.ellipsoid((62 * side, 82 * s, -8 * s), (58 * s, 19 * s, 85 * s), flesh, turn)
        canvas.capsule((24 * side, -44 * s, -26 * s), (80 * side, 8 * s, -20 * s), (10 * s, 13 * s), flesh)
        canvas.capsule((20 * side, -66 * s, -40 * s), (76 * side, -52 * s, 40 * s), (12 * s, 14 * s), flesh)
        canvas.capsule((14 * side, -64 * s, -60 * s), (60 * side, -34 * s, -46 * s), (10 * s, 18 * s), flesh)


def _paint_bones(canvas: Canvas, patient: Patient, tissue: dict[str, float], paints: Paints) -> None:
    """Femoral heads in their sockets, pubis with symphysis, ischium, coccyx."""
    s = patient.body
    front = -(patient.gland[1] + 17)
    bone: Layers = [(0.0, tissue["cortex"]), (1.6, paints.marrow)]
    head: Layers = [(-1.5, 0.6 * tissue["urine"]), (0, tissue["cortex"]), (2.2, paints.marrow)]
    for side in (-s, s):
        out = np.sign(side)
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
    s = np.float32(patient.body)
    for side in (-s, s):
        block = canvas.block([54 * side - 17 * s, -38 * s, -45 * s], [54 * side + 17 * s, 54 * s, EVERYWHERE])
        if block is None or canvas.relief is None:
            continue
        x, y, z = np.abs(block.x) / s, block.y / s - 4, block.z / s
        squares = y**2
        middle = np.float32(51) - np.float32(0.0062) * squares + np.float32(0.05) * z
        half = np.float32(8.5) - np.float32(0.0026) * squares - np.clip(-z - 25, 0, 20) * np.float32(0.3)
        distance = (np.abs(x - middle) - half) * s - canvas.relief[block.index]
        canvas.layer(block, distance, [(0, paints.muscle)])


def _paint_front_wall(canvas: Canvas, patient: Patient, tissue: dict[str, float], paints: Paints) -> None:
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


def _bowel(patient: Patient, z: Array) -> tuple[Array, Array]:
    """Middle line (y) and outer radius of anal canal and rectum at height z, mm."""
    b, c = patient.gland[1:]
    height = z / np.float32(c)
    narrow = 1 / (1 + np.exp(-(height + np.float32(0.75)) * 5))
    radius = np.float32(11) + np.float32(patient.rectum_mm - 11) * narrow
    bend = np.float32(2.2) * np.clip(height, 0, 3) ** 2 - np.float32(4) * np.clip(-height, 0, 1.6) ** 2
    return np.float32(b + 1.5) + radius * np.float32(0.92) + bend, radius


def _paint_pelvic_floor(canvas: Canvas, patient: Patient, tissue: dict[str, float], paints: Paints) -> None:
    """Levator ani: a funnel from the side walls down to a sling behind the anal canal; fat inside it."""
    a, b, c = (np.float32(axis) for axis in patient.gland)
    s = patient.body
    block = canvas.block([-48 * s, -b - 26, -c - 24], [48 * s, b + 2 * patient.rectum_mm + 30, EVERYWHERE])
    if block is None:
        return
    rise = np.clip((block.z[:, :, :1] + c) / (2 * c), -0.4, 2.2)
    path, radius = _bowel(patient, block.z[:, :, :1])
    back = path + radius + np.float32(2.5) + np.float32(7) * np.clip(rise - np.float32(0.4), 0, 1)
    middle, deep = (back - b - 5) / 2, (back + b + 5) / 2
    wide = np.float32(min(a + 7, 40 * s)) * (np.float32(0.66) + np.float32(0.42) * np.sqrt(np.clip(rise + 0.4, 0, 1.1)))
    along = (block.y - middle) / deep
    across = block.x / (wide * (1 - np.float32(0.22) * np.clip(along, -1, 1)))
    funnel = (np.sqrt(across**2 + along**2) - 1) * wide
    below = -c - 16 - block.z
    grey = np.float32(0.8) * paints.fat[block.index] + np.float32(0.2 * tissue["connective"])
    canvas.blend(block, canvas.cover(np.maximum(funnel, below)), grey)
    open_front = np.clip(-b - 3 - block.y, 0, None) * np.float32(0.8)
    sheet = np.abs(funnel) - np.float32(1.9) + open_front + np.clip(rise - np.float32(1.25), 0, None) * 6
    canvas.layer(block, np.maximum(sheet, below), [(0, paints.muscle)])
    bulb: Layers = [(0, paints.muscle), (2, tissue["glandular"])]
    canvas.ellipsoid((0, -b * 0.2, -c - 22), (11, 13, 12), bulb)
    sphincter: Layers = [(0, paints.muscle), (4.5, tissue["transition"])]
    canvas.capsule((0, -b * 0.25, -c - 14), (0, -b * 0.1, -c + 6), (8, 8), sphincter)


def _paint_plexus(canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture) -> None:
    """Veins beside and in front of the gland, bright among dark strands."""
    a, b, c = (np.float32(axis) for axis in patient.gland)
    block = canvas.block([-a - 8, -b - 12, -c], [a + 8, b, c + 6])
    if block is None:
        return
    level = np.sqrt((block.x / (a + 6)) ** 2 + ((block.y + 4) / (b + 5)) ** 2 + (block.z / (c + 8)) ** 2)
    veins = np.clip(texture.coarse(block, zoom=2.2) * np.float32(0.6), -0.6, 1)
    signal = tissue["connective"] + np.maximum(veins, 0) * (tissue["vein"] - tissue["connective"])
    signal += np.maximum(-veins, 0) * (tissue["fibromuscular"] - signal)
    canvas.blend(block, canvas.cover((level - 1) * (b + 6)) * np.float32(0.85), signal)


def _paint_bladder(canvas: Canvas, patient: Patient, tissue: dict[str, float], drawn: NDArray[np.float64]) -> None:
    """Urine in a dark wall, on and in front of the base of the gland."""
    b, c = patient.gland[1:]
    deep = patient.bladder_mm
    wide, high = deep * (1.45 + 0.15 * drawn[0]), deep * (0.95 + 0.15 * drawn[1])
    centre = (3 * drawn[2], -0.45 * b - 4 + 2 * drawn[3], c + high * 0.86)
    layers = [(-2, tissue["fat"]), (0, tissue["bladder wall"]), (5.5 - 0.07 * deep, tissue["urine"])]
    canvas.ellipsoid(centre, (wide, deep, high), layers, rotation(-12, 0, 3 * drawn[4]))


def _paint_vesicles(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, drawn: NDArray[np.float64]
) -> None:
    """Seminal vesicles: a bow tie of bright tubules behind the bladder, and the dark ampullae between them."""
    b, c = patient.gland[1:]
    duct: Layers = [(0, tissue["vesicle wall"]), (1.6, tissue["glandular"])]
    for side in (-1, 1):
        long = np.float32(19 + 3 * drawn[5 + (side > 0)])
        centre = (side * (long * 0.88 + 3), 0.66 * b, c + 3 + 2 * drawn[7])
        frame = placed(centre, rotation(-25, -side * 22, -side * 10))
        block = canvas.block([-long, -7, -7.5], [long, 7, 7.5], frame)
        if block is None:
            continue
        lobes = texture.coarse(block, zoom=2)
        level = np.sqrt((block.x / long) ** 2 + (block.y / np.float32(6)) ** 2 + (block.z / np.float32(6.5)) ** 2)
        lumen = np.clip(np.abs(lobes) * 3 - np.float32(0.4), 0, 1)
        signal = tissue["vesicle wall"] + lumen * (tissue["vesicle"] - tissue["vesicle wall"])
        canvas.blend(block, canvas.cover((level - 1) * 6 - np.float32(0.6) * lobes), signal)
        canvas.capsule((side * 3.5, 0.62 * b, c - 6), (side * 5, 0.75 * b, c + 20), (2.6, 3), duct)


def _paint_rectum(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, drawn: NDArray[np.float64]
) -> None:
    """Anal canal and rectum: dark muscle, grey mucosa, gas or stool; it bends back above and forward below."""
    b, c = patient.gland[1:]
    wide = patient.rectum_mm
    block = canvas.block([-wide - 5, b - 12, -EVERYWHERE], [wide + 5, b + 2 * wide + 22, EVERYWHERE])
    if block is None or canvas.relief is None:
        return
    path, radius = _bowel(patient, block.z[:, :, :1])
    height = block.z[:, :, :1] / np.float32(c)
    x = block.x - np.float32(3 * drawn[8]) * np.sin(height * np.float32(1.3) + np.float32(2 * drawn[9]))
    y = (block.y - path) * np.float32(1.08 + 0.12 * drawn[10])
    across = np.sqrt(x**2 + y**2)
    leaf = x / (across + np.float32(1e-3))
    across *= 1 + np.float32(0.07 * drawn[11]) * leaf * (4 * leaf**2 - 3) + np.float32(0.04 * drawn[12]) * leaf
    across -= canvas.relief[block.index]
    canvas.layer(block, across - radius, [(-1.2, tissue["fat"]), (0, tissue["rectal muscle"]), (3, tissue["mucosa"])])
    folds = across + 2 * canvas.relief[block.index]
    if patient.gas > 0:
        canvas.blend(block, canvas.cover(folds - radius * np.float32(0.35 + 0.35 * patient.gas)), tissue["air"])
    else:
        stool = tissue["stool"] * (1 + np.float32(0.2) * texture.fine(block))
        canvas.blend(block, canvas.cover(folds - radius * np.float32(0.45)), stool)


def _paint_bundles(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Neurovascular bundles at five and seven o'clock."""
    a, b, c = patient.gland
    for side in (-1, 1):
        for dx, dy, kind in ((0, 0, "artery"), (3, -2.5, "vein"), (-2.5, 2, "muscle")):
            x, y = side * (0.72 * a + dx), 0.80 * b + dy
            canvas.capsule((x, y, -c * 0.7), (x * 1.1, y, c * 0.9), (1.3, 1.3), [(0, tissue[kind])])


def _paint_air(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Air in front of the belly, and the skin as a thin grey line."""
    s = patient.body
    front = -(patient.gland[1] + 40 + patient.fat_mm)
    block = canvas.block([-EVERYWHERE, -EVERYWHERE, -EVERYWHERE], [EVERYWHERE, front + 25, EVERYWHERE])
    if block is None:
        return
    skin = np.float32(front) + block.x**2 * np.float32(0.0022 / s**2) - np.float32(0.06) * block.z
    canvas.layer(block, block.y - skin, [(-1.5, tissue["stroma"]), (0, tissue["air"])])
