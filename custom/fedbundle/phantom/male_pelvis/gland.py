"""The prostate: outline, transition and peripheral zone, nodules, fibromuscular stroma, surgical capsule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block, Canvas, Point, placed
from fedbundle.phantom.male_pelvis.patient import Patient
from fedbundle.phantom.male_pelvis.tissues import Palette
from fedbundle.phantom.texture import Texture

Nodules = list[tuple[float, ...]]
Box = tuple[slice, slice, slice]

TRANSITION, PERIPHERAL = 1, 2


@dataclass(frozen=True)
class Zones:
    """Where the zones lie on a canvas, each [sub-slice, row, column] in the block around the gland."""

    block: Block
    """Its coordinates are the gland's own."""
    outline: Array
    """Signed distance to the gland's surface in mm, about; negative inside."""
    inner: Array
    """Signed distance to the transition zone (the stroma counts to it) in mm, about."""
    gland: Array
    """Share of the voxel within the gland, 0..1."""
    transition: Array
    """Share of the voxel within the transition zone, 0..1."""

    def around(self, canvas: Canvas, centre: Point, reach: float, frame: NDArray[np.float64]) -> Box | None:
        """Index into the block of the voxels within a cube of half width `reach` mm; None where there are none.

        `frame` 4x4 maps the gland's own coordinates to anatomy mm.
        """
        return _around(canvas, self.block, centre, reach, frame)


def paint_gland(
    canvas: Canvas, patient: Patient, tissue: Palette, texture: Texture, random: np.random.Generator
) -> Zones | None:
    """Paint the prostate over what lies there; None = the volume does not meet the gland.

    The transition zone is two lobes beside the urethra with the anterior fibromuscular stroma, which reading
    protocols with two zones count to it; the peripheral zone is the rest: a cup behind, beside and below.
    """
    a, b, c = patient.gland
    lumps = random.uniform(-1, 1, size=(3, 4)).tolist()
    nodules = _nodules(patient, random)
    frame = gland_frame(patient)
    block = canvas.block([-1.2 * a, -1.15 * b, -1.1 * c], [1.2 * a, 1.15 * b, 1.1 * c], frame)
    if block is None:
        return None
    x = skewed(block.x, patient)
    outline = outline_mm(x, block.y, block.z, patient, lumps)
    inner = lobes_mm(x, block.y, block.z, patient)
    stroma = stroma_mm(x, block.y, block.z, patient)
    either = np.minimum(inner, stroma)
    gland = canvas.cover(outline)
    transition = canvas.cover(either) * gland

    inside = _peripheral_signal(block, x, tissue, texture, random)
    lobes = _transition_signal(canvas, block, frame, tissue, texture, nodules)
    lobes += canvas.cover(stroma) * (tissue["fibromuscular"] - lobes)
    inside += transition * (lobes - inside)
    inside += 0.75 * _line(canvas, inner, 0.9) * gland * (tissue["capsule"] - inside)
    inside += 0.7 * _line(canvas, outline, 0.5) * (tissue["capsule"] - inside)
    _paint_urethra(canvas, block, inside, patient, tissue)
    canvas.blend(block, gland, inside)
    return Zones(block, outline, either, gland, transition)


def zone_labels(canvas: Canvas, zones: Zones | None, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """uint8 [slice, row, column]: a slice's voxel is gland where at least half of it is, then the larger zone."""
    labels = np.zeros(shape, np.uint8)
    if zones is None:
        return labels
    share = np.zeros((2, *canvas.shape), np.float32)
    share[0][zones.block.index], share[1][zones.block.index] = zones.gland, zones.transition
    gland, transition = (canvas.slices(field) for field in share)
    labels[gland >= 0.5] = PERIPHERAL
    labels[(gland >= 0.5) & (transition >= 0.5 * gland)] = TRANSITION
    return labels


def _line(canvas: Canvas, distance: Array, half_mm: float) -> Array:
    """Share of each voxel within `half_mm` of a surface."""
    return canvas.cover(np.asarray(np.abs(distance) - half_mm, np.float32))


def gland_frame(patient: Patient) -> NDArray[np.float64]:
    """4x4 from the gland's own axes to the body's, mm."""
    return placed((0, 0, 0), patient.gland_turn)


def skewed(x: Array, patient: Patient) -> Array:
    """The x of the symmetric gland that lies at `x` of this one; one side is wider than the other."""
    side = patient.asymmetry * np.clip(x / (0.5 * patient.gland[0]), -1, 1)
    return np.asarray(x * (1 + side), np.float32)


def outline_mm(x: Array, y: Array, z: Array, patient: Patient, lumps: Sequence[Sequence[float]]) -> Array:
    """Signed distance to the surface, about, at `skewed` x: a chestnut, broader at the base, a shallow groove behind.

    `lumps` are waves on it, ((p, q, r, phase), ...) in -1..1.
    """
    a, b, c = patient.gland
    height = z / c
    u, v = x / (a * (1 + 0.12 * height)), y / (b * (1 + 0.05 * height))
    v = v + 0.13 * np.exp(-((u * 2.6) ** 2)) * np.clip(v, 0, 1)
    squares = u**2 + v**2
    wave = sum((np.cos(2.4 * (p * u + q * v + r * height) + (3 * s)) for p, q, r, s in lumps), np.float32(0))
    level = np.sqrt(squares + height**2) * (1 + 0.018 * wave)
    return np.asarray((level - 1) * (a * b * c) ** (1 / 3), np.float32)


def lobes_mm(x: Array, y: Array, z: Array, patient: Patient) -> Array:
    """Signed distance to the two lobes: they touch the gland's front and lie nearer its base than its apex."""
    a, b, c = patient.inner
    front = -0.92 * (patient.gland[1] - patient.inner[1])
    up = 0.62 * (patient.gland[2] - patient.inner[2])
    apart = 0.30 * a
    height = (z - up) / c
    u = (np.abs(x) - apart) / (0.74 * a * (1 + 0.10 * height))
    level = np.sqrt(u**2 + ((y - front) / b) ** 2 + height**2)
    return np.asarray((level - 1) * (0.74 * a * b * c) ** (1 / 3), np.float32)


def stroma_mm(x: Array, y: Array, z: Array, patient: Patient) -> Array:
    """Signed distance to the dark apron in front of both lobes."""
    a, b, c = patient.gland
    u, v, w = x / (0.42 * a), (y + 0.93 * b) / (0.26 * b), (z - 0.08 * c) / (0.75 * c)
    return np.asarray((np.sqrt(u**2 + v**2 + w**2) - 1) * (0.3 * b), np.float32)


def _nodules(patient: Patient, random: np.random.Generator) -> Nodules:
    """(x, y, z, radius in mm, kind, elongation) of each; kind 0 = stromal .. 1 = glandular; large glands have more."""
    a, b, c = patient.inner
    count = int(np.clip(round((2 + 1.1 * a * b * c / 1000) * random.uniform(0.7, 1.3)), 3, 16))
    direction = random.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    depth = random.uniform(0.15, 0.78, size=(count, 1)) ** 0.6
    front, up = -0.92 * (patient.gland[1] - b), 0.62 * (patient.gland[2] - c)
    place = direction * depth * (0.85 * a, 0.85 * b, 0.85 * c) + (0, front, up)
    radius = random.uniform(0.15, 0.42, size=(count, 1)) * b
    kind, long = random.uniform(0, 1, size=(count, 1)), random.uniform(0.85, 1.2, size=(count, 1))
    return [tuple(float(value) for value in row) for row in np.hstack([place, radius, kind, long])]


def _peripheral_signal(block: Block, x: Array, tissue: Palette, texture: Texture, random: np.random.Generator) -> Array:
    """Bright acini, thin dark septa that fan out from the centre, and patches that inflammation has dulled."""
    fine, patch = texture.fine(block), texture.coarse(block)
    angle = np.arctan2(np.abs(x), block.y)
    fan = np.abs(np.sin(random.uniform(5, 7) * angle + 0.35 * patch))
    septa = np.clip(1 - fan * 5, 0, 1) * 0.35
    dull = np.clip(0.16 * (patch - 0.5), 0, 0.35)
    bright = tissue["peripheral"] * (1 + 0.07 * fine)
    return np.asarray(bright + (septa + dull) * (tissue["septum"] - bright), np.float32)


def _transition_signal(
    canvas: Canvas,
    block: Block,
    frame: NDArray[np.float64],
    tissue: Palette,
    texture: Texture,
    nodules: Nodules,
) -> Array:
    """Mixed tissue with round nodules, each in a thin dark rim ("organised chaos")."""
    grain, patch = texture.fine(block), texture.coarse(block)
    signal = (tissue["transition"]) * (1 + 0.10 * grain + 0.14 * patch)
    for x, y, z, radius, kind, long in nodules:
        part = _around(canvas, block, (x, y, z), 1.2 * radius + 1, frame)
        if part is None:
            continue
        squares = ((block.x[part] - x) / long) ** 2 + (block.y[part] - y) ** 2 + ((block.z[part] - z) * long) ** 2
        distance = np.sqrt(squares) - radius + 0.3 * patch[part]
        core = tissue["stroma"] + kind * (tissue["glandular"] - tissue["stroma"])
        mixed = core * (1 + (0.08 + 0.18 * kind) * grain[part])
        under = signal[(..., *part)]
        under += 0.8 * canvas.cover(distance) * (tissue["capsule"] - under)
        under += canvas.cover(distance + 1.1) * (mixed - under)
    return np.asarray(signal, np.float32)


def _paint_urethra(canvas: Canvas, block: Block, inside: Array, patient: Patient, tissue: Palette) -> None:
    """A ring that runs from the bladder neck in front to the apex, widest and brightest at the verumontanum."""
    b, c = patient.gland[1:]
    centre = (-0.10 * b) - (0.20 * b) * np.clip(block.z / c, -0.2, 1)
    across = np.sqrt((block.x * 0.8) ** 2 + (block.y - centre) ** 2)
    below = np.clip((0.35 * c - block.z) / 4, 0, 1)
    inside += 0.8 * below * canvas.cover(across - 3.6) * (tissue["fibromuscular"] - inside)
    inside += below * canvas.cover(across - 1.9) * (tissue["urethra"] - inside)


def _around(canvas: Canvas, block: Block, centre: Point, reach: float, frame: NDArray[np.float64]) -> Box | None:
    span = canvas.span([value - reach for value in centre], [value + reach for value in centre], frame)
    if span is None:
        return None
    levels, rows, columns = (
        slice(max(a.start - b.start, 0), max(a.stop - b.start, 0)) for a, b in zip(span, block.index, strict=True)
    )
    return levels, rows, columns
