"""Organs around the prostate: bladder, seminal vesicles, rectum, urethral sphincter, veins, nerve bundles."""

import numpy as np

from fedbundle.phantom.canvas import Array, Canvas, Layers, placed, rotation
from fedbundle.phantom.male_pelvis.patient import Patient
from fedbundle.phantom.male_pelvis.tissues import Palette
from fedbundle.phantom.texture import Texture

EVERYWHERE = 400.0


def paint_organs(canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture, drawn: list[float]) -> None:
    """Paint over the pelvis; `drawn` are 16 numbers in -1..1 that vary the shapes. The gland comes later."""
    _paint_urethra(canvas, patient, tissue)
    _paint_plexus(canvas, patient, tissue, texture)
    _paint_bladder(canvas, patient, tissue, drawn)
    _paint_vesicles(canvas, patient, tissue, texture, drawn)
    _paint_rectum(canvas, patient, tissue, texture, drawn)
    _paint_bundles(canvas, patient, tissue)


def bowel(patient: Patient, z: Array) -> tuple[Array, Array]:
    """Middle line (y) and outer radius of anal canal and rectum at height z, mm; anatomy axes."""
    b, c = patient.gland[1:]
    height = z / c
    narrow = 1 / (1 + np.exp(-(height + 0.75) * 5))
    radius = 11 + (patient.rectum_mm - 11) * narrow
    bend = 2.2 * np.clip(height, 0, 3) ** 2 - 4 * np.clip(-height, 0, 1.6) ** 2
    return b - 0.5 + radius * 0.92 + bend, radius


def _paint_urethra(canvas: Canvas, patient: Patient, tissue: Palette) -> None:
    """Bulb of the penis, and the sphincter between it and the apex."""
    b, c = patient.gland[1:]
    bulb: Layers = [(0, tissue["muscle"]), (2, tissue["glandular"])]
    canvas.ellipsoid((0, -b * 0.2, -c - 22), (11, 13, 12), bulb)
    sphincter: Layers = [(0, tissue["muscle"]), (4.5, tissue["transition"])]
    canvas.capsule((0, -b * 0.25, -c - 14), (0, -b * 0.1, -c + 6), (8, 8), sphincter)


def _paint_plexus(canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture) -> None:
    """Veins beside and in front of the gland, bright among dark strands."""
    a, b, c = patient.gland
    block = canvas.block([-a - 8, -b - 12, -c], [a + 8, b, c + 6])
    if block is None:
        return
    level = np.sqrt((block.x / (a + 6)) ** 2 + ((block.y + 4) / (b + 5)) ** 2 + (block.z / (c + 8)) ** 2)
    veins = np.clip(texture.coarse(block, zoom=3) * 0.4, -0.6, 0.8)
    signal = tissue["connective"] + np.maximum(veins, 0) * (tissue["vein"] - tissue["connective"])
    signal += np.maximum(-veins, 0) * (tissue["fibromuscular"] - signal)
    canvas.blend(block, canvas.cover((level - 1) * (b + 6)) * 0.85, signal)


def _paint_bladder(canvas: Canvas, patient: Patient, tissue: Palette, drawn: list[float]) -> None:
    """Urine in a dark wall, on and in front of the base of the gland."""
    b, c = patient.gland[1:]
    deep = patient.bladder_mm
    wide, high = deep * (1.45 + 0.15 * drawn[0]), deep * (0.95 + 0.15 * drawn[1])
    centre = (3 * drawn[2], -0.45 * b - 4 + 2 * drawn[3], c + high * 0.86)
    layers = [(-2, tissue["fat"]), (0, tissue["bladder wall"]), (5.5 - 0.07 * deep, tissue["urine"])]
    canvas.ellipsoid(centre, (wide, deep, high), layers, rotation(-12, 0, 3 * drawn[4]))


def _paint_vesicles(canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture, drawn: list[float]) -> None:
    """Seminal vesicles: a bow tie of bright tubules behind the bladder, and the dark ampullae between them."""
    b, c = patient.gland[1:]
    duct: Layers = [(0, tissue["vesicle wall"]), (1.6, tissue["glandular"])]
    for side in (-1, 1):
        long = 19 + 3 * drawn[5 + (side > 0)]
        centre = (side * (long * 0.88 + 3), 0.66 * b, c + 3 + 2 * drawn[7])
        frame = placed(centre, rotation(-25, -side * 22, -side * 10))
        block = canvas.block([-long, -7, -7.5], [long, 7, 7.5], frame)
        if block is None:
            continue
        lobes = texture.coarse(block, zoom=2)
        level = np.sqrt((block.x / long) ** 2 + (block.y / 6) ** 2 + (block.z / 6.5) ** 2)
        lumen = np.clip(np.abs(lobes) * 3 - 0.4, 0, 1)
        wall = tissue["vesicle wall"]
        signal = np.asarray(wall + lumen * (tissue["vesicle"] - wall), np.float32)
        canvas.blend(block, canvas.cover((level - 1) * 6 - 0.6 * lobes), signal)
        canvas.capsule((side * 3.5, 0.62 * b, c - 6), (side * 5, 0.75 * b, c + 20), (2.6, 3), duct)


def _paint_rectum(canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture, drawn: list[float]) -> None:
    """Anal canal and rectum: dark muscle, grey mucosa, gas or stool; it bends back above and forward below."""
    b, c = patient.gland[1:]
    wide = patient.rectum_mm
    block = canvas.block([-wide - 5, b - 12, -EVERYWHERE], [wide + 5, b + 2 * wide + 22, EVERYWHERE])
    if block is None or canvas.relief is None:
        return
    path, radius = bowel(patient, block.z[:, :, :1])
    height = block.z[:, :, :1] / c
    x = block.x - (3 * drawn[8]) * np.sin(height * 1.3 + (2 * drawn[9]))
    y = (block.y - path) * (1.08 + 0.12 * drawn[10])
    across = np.sqrt(x**2 + y**2)
    leaf = x / (across + (1e-3))
    across *= 1 + (0.07 * drawn[11]) * leaf * (4 * leaf**2 - 3) + (0.04 * drawn[12]) * leaf
    across -= canvas.relief[block.index]
    canvas.layer(block, across - radius, [(-1.2, tissue["fat"]), (0, tissue["rectal muscle"]), (3, tissue["mucosa"])])
    folds = across + 2 * canvas.relief[block.index]
    if patient.gas > 0:
        canvas.blend(block, canvas.cover(folds - radius * (0.35 + 0.35 * patient.gas)), tissue["air"])
    else:
        stool = tissue["stool"] * (1 + 0.2 * texture.fine(block))
        canvas.blend(block, canvas.cover(folds - radius * 0.45), stool)


def _paint_bundles(canvas: Canvas, patient: Patient, tissue: Palette) -> None:
    """Neurovascular bundles at five and seven o'clock."""
    a, b, c = patient.gland
    for side in (-1, 1):
        for dx, dy, kind in ((0, 0, "artery"), (3, -2.5, "vein"), (-2.5, 2, "muscle")):
            x, y = side * (0.72 * a + dx), 0.80 * b + dy
            canvas.capsule((x, y, -c * 0.7), (x * 1.1, y, c * 0.9), (1.3, 1.3), [(0, tissue[kind])])
