"""What surrounds the prostate: skin and fat, bones, muscles, bladder, seminal vesicles, rectum, levator ani."""

import numpy as np

from fedbundle.phantom.canvas import Array, Block, Canvas, rotation
from fedbundle.phantom.prostate_mri_zones.patient import Patient
from fedbundle.phantom.texture import Texture

EVERYWHERE = 400.0


def paint_pelvis(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, random: np.random.Generator
) -> None:
    """Paint from the outside in; the gland comes later, over all of it."""
    drawn = random.uniform(-1, 1, size=16)
    _paint_fat(canvas, tissue, texture)
    _paint_outer_muscles(canvas, patient, tissue)
    _paint_bones(canvas, patient, tissue)
    _paint_side_wall(canvas, patient, tissue)
    _paint_front_wall(canvas, patient, tissue)
    _paint_pelvic_floor(canvas, patient, tissue, texture)
    _paint_bladder(canvas, patient, tissue, drawn)
    _paint_vesicles(canvas, patient, tissue, texture, drawn)
    _paint_rectum(canvas, patient, tissue, texture, drawn)
    _paint_bundles(canvas, patient, tissue)
    _paint_air(canvas, patient, tissue)


def _paint_fat(canvas: Canvas, tissue: dict[str, float], texture: Texture) -> None:
    """Fat everywhere, with thin darker septa."""
    block = canvas.block([-EVERYWHERE] * 3, [EVERYWHERE] * 3)
    if block is None:
        return
    canvas.signal[block.index] = tissue["fat"] * (1 - np.float32(0.3) * _strands(block, texture))


def _strands(block: Block, texture: Texture) -> Array:
    """0..1: thin sheets, 1 at their middle."""
    return np.asarray(np.clip(1 - np.abs(texture.coarse(block)) * 9, 0, 1), np.float32)


def _paint_outer_muscles(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Gluteus maximus behind, pectineus and obturator externus at the side in front."""
    s, muscle = patient.body, tissue["muscle"]
    for side in (-1, 1):
        turn = rotation(0, 0, -side * 32)
        canvas.ellipsoid((side * 62 * s, 82 * s, -8 * s), (58 * s, 19 * s, 85 * s), [(0, muscle)], turn)
        canvas.capsule((side * 24 * s, -44 * s, -26 * s), (side * 80 * s, 8 * s, -20 * s), (10 * s, 13 * s), [(0, muscle)])
        canvas.capsule((side * 20 * s, -66 * s, -40 * s), (side * 76 * s, -52 * s, 40 * s), (12 * s, 14 * s), [(0, muscle)])
        canvas.capsule((side * 14 * s, -64 * s, -60 * s), (side * 60 * s, -34 * s, -46 * s), (10 * s, 18 * s), [(0, muscle)])


def _bone(tissue: dict[str, float], cortex_mm: float = 1.6) -> list[tuple[float, float]]:
    return [(0, tissue["cortex"]), (cortex_mm, tissue["marrow"])]


def _paint_bones(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Femoral heads in their sockets, pubis with symphysis, ischium, coccyx."""
    s = patient.body
    front = -(patient.gland[1] + 17)
    for side in (-1, 1):
        canvas.capsule((side * 66 * s, 30 * s, 45 * s), (side * 60 * s, 24 * s, -10 * s), (13 * s, 11 * s), _bone(tissue))
        canvas.capsule((side * 60 * s, 24 * s, -10 * s), (side * 52 * s, 22 * s, -50 * s), (11 * s, 14 * s), _bone(tissue))
        canvas.ellipsoid((side * 88 * s, -6 * s, 16 * s), (31 * s, 31 * s, 31 * s), _bone(tissue))
        canvas.ellipsoid((side * 88 * s, -6 * s, 16 * s), (26 * s,) * 3, [(-1.5, tissue["urine"] * 0.6), *_bone(tissue, 2.2)])
        canvas.capsule((side * 12 * s, front - 9, -8 * s), (side * 64 * s, -30 * s, 24 * s), (9.5 * s, 10 * s), _bone(tissue))
        canvas.capsule((side * 9 * s, front - 6, -20 * s), (side * 50 * s, 14 * s, -52 * s), (8 * s, 9 * s), _bone(tissue))
        canvas.ellipsoid(
            (side * 10.5 * s, front - 8, -10 * s), (9.5 * s, 10.5 * s, 20 * s), _bone(tissue), rotation(-25, 0, -side * 22)
        )
    canvas.ellipsoid((0, front - 8, -10 * s), (2.6 * s, 9.5 * s, 18 * s), [(0, tissue["cartilage"])], rotation(-25, 0, 0))
    canvas.capsule((0, 84 * s, 60 * s), (0, 62 * s, 2 * s), (13 * s, 5 * s), _bone(tissue))


def _paint_side_wall(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Obturator internus: a dark sheet on the inside of socket and ischium."""
    s = patient.body
    for side in (-1, 1):
        block = canvas.block([side * 54 * s - 16 * s, -38 * s, -45 * s], [side * 54 * s + 16 * s, 52 * s, EVERYWHERE])
        if block is None:
            continue
        x, y, z = np.abs(block.x) / s, block.y / s, block.z / s
        middle = 50 - np.float32(0.0065) * (y - 4) ** 2 + np.float32(0.05) * z
        half = np.float32(7.5) - np.float32(0.0022) * (y - 4) ** 2 - np.clip(-z - 25, 0, 20) * np.float32(0.3)
        canvas.blend(block, canvas.cover((np.abs(x - middle) - half) * s), tissue["muscle"])


def _paint_front_wall(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Rectus muscles above the pubis, femoral vessels, spermatic cords."""
    s = patient.body
    front = -(patient.gland[1] + 17)
    for side in (-1, 1):
        canvas.capsule((side * 9 * s, front - 18, 4), (side * 13 * s, front - 14, 90), (4.5, 6), [(0, tissue["muscle"])])
        canvas.capsule((side * 11 * s, front - 18, 4), (side * 17 * s, front - 14, 90), (4.5, 6), [(0, tissue["muscle"])])
        canvas.capsule((side * 54 * s, -66 * s, -60), (side * 60 * s, -58 * s, 70), (5, 5), [(0, tissue["connective"]), (0.8, tissue["artery"])])
        canvas.capsule((side * 44 * s, -64 * s, -60), (side * 50 * s, -54 * s, 70), (6, 6), [(0, tissue["connective"]), (0.8, tissue["stroma"])])
        canvas.capsule((side * 26 * s, front - 26, -60), (side * 38 * s, front - 20, 50), (6, 6), [(0, tissue["muscle"]), (1.2, tissue["fat"]), (4, tissue["artery"])])


def _paint_pelvic_floor(canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture) -> None:
    """Levator ani: a funnel from the side walls down to the anal canal, with the visceral space inside it."""
    a, b, c = patient.gland
    s = patient.body
    back = b + 2 * patient.rectum_mm
    block = canvas.block([-48 * s, -b - 26, -c - 26], [48 * s, back + 22, EVERYWHERE])
    if block is None:
        return
    rise = np.clip((block.z + np.float32(c)) / np.float32(2 * c), -0.4, 2.2)
    wide = np.float32(min(a + 5, 40 * s)) * (np.float32(0.62) + np.float32(0.42) * np.sqrt(np.clip(rise + 0.4, 0, 1.1)))
    middle = np.float32((back - b) / 2 - 2) + np.float32(3) * rise
    deep = np.float32((back + b) / 2 + 6) + np.float32(6) * rise
    level = np.sqrt((block.x / wide) ** 2 + ((block.y - middle) / deep) ** 2)
    funnel = (level - 1) * wide
    open_front = np.clip(np.float32(-b - 3) - block.y, 0, None) * np.float32(0.8)
    muscle = np.abs(funnel) - np.float32(1.7) + open_front + np.clip(rise - 1.25, 0, None) * 6
    grey = np.float32(0.2) + np.float32(0.6) * _strands(block, texture)
    inside = tissue["fat"] + grey * (tissue["connective"] - tissue["fat"])
    canvas.blend(block, canvas.cover(np.maximum(funnel, np.float32(-c - 20) - block.z)), inside)
    _paint_plexus(canvas, patient, tissue, texture)
    canvas.blend(block, canvas.cover(muscle), tissue["muscle"])
    canvas.ellipsoid((0, -b * 0.2, -c - 22), (11, 13, 12), [(0, tissue["muscle"]), (2, tissue["glandular"])])
    canvas.capsule((0, -b * 0.25, -c - 14), (0, -b * 0.1, -c + 6), (8, 8), [(0, tissue["muscle"]), (4.5, tissue["transition"])])


def _paint_plexus(canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture) -> None:
    """Bright veins beside and in front of the gland, in fat and dark strands."""
    a, b, c = (np.float32(axis) for axis in patient.gland)
    block = canvas.block([-a - 9, -b - 13, -c], [a + 9, b, c + 6])
    if block is None:
        return
    level = np.sqrt((block.x / (a + 7)) ** 2 + ((block.y + 4) / (b + 6)) ** 2 + (block.z / (c + 8)) ** 2)
    veins = np.clip(texture.fine(block) * np.float32(0.9), -0.9, 1)
    dark, bright = np.clip(-veins, 0, 1), np.clip(veins, 0, 1)
    signal = tissue["connective"] + bright * (tissue["vein"] - tissue["connective"])
    signal += dark * (tissue["fibromuscular"] - signal)
    canvas.blend(block, canvas.cover((level - 1) * (b + 6)) * np.float32(0.9), signal)


def _paint_bladder(canvas: Canvas, patient: Patient, tissue: dict[str, float], drawn: np.ndarray) -> None:
    """Urine in a dark wall, on and in front of the base of the gland."""
    b, c = patient.gland[1:]
    deep = patient.bladder_mm
    wide, high = deep * (1.45 + 0.15 * drawn[0]), deep * (0.95 + 0.15 * drawn[1])
    wall = 5.5 - 0.07 * deep
    centre = (3 * drawn[2], -0.45 * b - 4 + 2 * drawn[3], c + high * 0.86)
    canvas.ellipsoid(centre, (wide, deep, high), [(-2, tissue["fat"]), (0, tissue["bladder wall"]), (wall, tissue["urine"])], rotation(-12, 0, 3 * drawn[4]))


def _paint_vesicles(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, drawn: np.ndarray
) -> None:
    """Seminal vesicles: a bow tie of bright tubules behind the bladder, and the dark ampullae between them."""
    b, c = patient.gland[1:]
    for side in (-1, 1):
        long = 19 + 3 * drawn[5 + (side > 0)]
        centre = (side * (long * 0.88 + 3), 0.62 * b, c + 3 + 2 * drawn[7])
        frame = np.eye(4)
        frame[:3, :3], frame[:3, 3] = rotation(-25, -side * 22, -side * 10), centre
        block = canvas.block([-long, -6.5, -7], [long, 6.5, 7], frame)
        if block is None:
            continue
        level = np.sqrt((block.x / np.float32(long)) ** 2 + (block.y / 6) ** 2 + (block.z / np.float32(6.5)) ** 2)
        tubules = np.abs(texture.fine(block))
        lumen = np.clip(tubules * 3 - np.float32(0.5), 0, 1)
        signal = tissue["vesicle wall"] + lumen * (tissue["vesicle"] - tissue["vesicle wall"])
        canvas.blend(block, canvas.cover((level - 1) * 6), signal)
        canvas.capsule((side * 3.5, 0.55 * b, c - 6), (side * 5, 0.5 * b, c + 22), (2.6, 3), [(0, tissue["vesicle wall"]), (1.6, tissue["glandular"])])


def _paint_rectum(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, drawn: np.ndarray
) -> None:
    """Anal canal and rectum: dark muscle, grey mucosa, gas or stool; it bends back above and below the gland."""
    b, c = patient.gland[1:]
    radius = patient.rectum_mm
    block = canvas.block([-radius - 5, b - 12, -EVERYWHERE], [radius + 5, b + 2 * radius + 22, EVERYWHERE])
    if block is None:
        return
    height = block.z / np.float32(c)
    narrow = 1 / (1 + np.exp(-(height + np.float32(0.75)) * 5))
    wide = np.float32(11) + np.float32(radius - 11) * narrow
    bend = np.clip(np.float32(2.2) * np.clip(height, 0, 4) ** 2 - np.float32(4) * np.clip(-height, 0, 1.6) ** 2, -10, 18)
    centre_y = np.float32(b + 1.5) + wide * np.float32(0.92) + bend
    centre_x = np.float32(3 * drawn[8]) * np.sin(height * np.float32(1.3) + np.float32(2 * drawn[9]))
    x, y = block.x - centre_x, (block.y - centre_y) * np.float32(1.05 + 0.12 * drawn[10])
    across = np.sqrt(x**2 + y**2) + np.float32(1e-3)
    leaf = x / across
    across *= 1 + np.float32(0.07 * drawn[11]) * leaf * (4 * leaf**2 - 3) + np.float32(0.04 * drawn[12]) * leaf
    canvas.layer(block, across - wide, [(-1.2, tissue["fat"]), (0, tissue["rectal muscle"])])
    canvas.blend(block, canvas.cover(across - wide + 3), tissue["mucosa"])
    lumen = wide * np.float32(0.35 + 0.35 * patient.gas) * narrow
    if patient.gas > 0:
        canvas.blend(block, canvas.cover(across - lumen), tissue["air"])
    else:
        grain = tissue["stool"] * (1 + np.float32(0.2) * texture.fine(block))
        canvas.blend(block, canvas.cover(across - lumen), grain)


def _paint_bundles(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Neurovascular bundles at five and seven o'clock, in a triangle of fat."""
    a, b, c = patient.gland
    for side in (-1, 1):
        for dx, dy, kind in ((0, 0, "artery"), (3, -2.5, "vein"), (-2.5, 2, "muscle")):
            x, y = side * (0.72 * a + dx), 0.80 * b + dy
            canvas.capsule((x, y, -c * 0.7), (x * 1.1, y, c * 0.9), (1.3, 1.3), [(0, tissue[kind])])


def _paint_air(canvas: Canvas, patient: Patient, tissue: dict[str, float]) -> None:
    """Air in front of the belly; the skin is a thin grey line."""
    s = patient.body
    front = -(patient.gland[1] + 40 + patient.fat_mm)
    block = canvas.block([-EVERYWHERE, -EVERYWHERE, -EVERYWHERE], [EVERYWHERE, front + 40, EVERYWHERE])
    if block is None:
        return
    skin = np.float32(front) + (block.x / s) ** 2 * np.float32(0.0022) - np.float32(0.06) * block.z
    above = block.y - skin
    canvas.blend(block, canvas.cover(above - np.float32(1.5)), tissue["stroma"])
    canvas.blend(block, canvas.cover(above), tissue["air"])
