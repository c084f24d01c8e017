"""The prostate: outline, transition and peripheral zone, nodules, fibromuscular stroma, surgical capsule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, Block, Canvas, placed
from fedbundle.phantom.prostate_mri_zones.patient import Patient
from fedbundle.phantom.texture import Texture

Nodules = list[tuple[float, ...]]

TRANSITION, PERIPHERAL = 1, 2


@dataclass(frozen=True)
class Zones:
    """Where the zones lie on a canvas: shares 0..1 [sub-slice, row, column] in the block around the gland."""

    block: Block
    gland: Array
    transition: Array


def paint_gland(
    canvas: Canvas, patient: Patient, tissue: dict[str, float], texture: Texture, random: np.random.Generator
) -> Zones | None:
    """Paint the prostate over what lies there; None = the volume does not meet the gland.

    The transition zone is two lobes beside the urethra with the anterior fibromuscular stroma, which reading
    protocols with two zones count to it; the peripheral zone is the rest: a cup behind, beside and below.
    """
    a, b, c = patient.gland
    lumps = random.uniform(-1, 1, size=(3, 4)).tolist()
    nodules = _nodules(patient, random)
    frame = placed((0, 0, 0), patient.gland_turn)
    block = canvas.block([-1.2 * a, -1.15 * b, -1.1 * c], [1.2 * a, 1.15 * b, 1.1 * c], frame)
    if block is None:
        return None
    side = patient.asymmetry * np.clip(block.x / (0.5 * a), -1, 1)
    x = block.x * (1 + side)
    height = block.z / c
    outline = _outline(x, block.y, height, (a, b, c), lumps)
    inner = _inner(x, block.y, block.z, patient)
    stroma = _fibromuscular(x, block.y, block.z, patient)
    gland = canvas.cover(outline)
    transition = canvas.cover(np.minimum(inner, stroma)) * gland

    inside = _peripheral_signal(block, x, tissue, texture, random)
    lobes = _transition_signal(canvas, block, frame, tissue, texture, nodules)
    lobes += canvas.cover(stroma) * (tissue["fibromuscular"] - lobes)
    inside += transition * (lobes - inside)
    inside += 0.75 * _line(canvas, inner, 0.9) * gland * (tissue["capsule"] - inside)
    inside += 0.7 * _line(canvas, outline, 0.5) * (tissue["capsule"] - inside)
    _paint_urethra(canvas, block, inside, patient, tissue)
    canvas.blend(block, gland, inside)
    return Zones(block, gland, transition)


def zone_labels(canvas: Canvas, zones: Zones | None, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """uint8 [slice, row, column]: a slice's voxel is gland where at least half of it is, then the larger zone."""
    labels = np.zeros(shape, np.uint8)
    if zones is None:
        return labels
    share = np.zeros((2, *canvas.signal.shape), np.float32)
    share[0][zones.block.index], share[1][zones.block.index] = zones.gland, zones.transition
    gland, transition = (canvas.slices(field) for field in share)
    labels[gland >= 0.5] = PERIPHERAL
    labels[(gland >= 0.5) & (transition >= 0.5 * gland)] = TRANSITION
    return labels


def _line(canvas: Canvas, distance: Array, half_mm: float) -> Array:
    """Share of each voxel within `half_mm` of a surface."""
    return canvas.cover(np.asarray(np.abs(distance) - half_mm, np.float32))


def _outline(x: Array, y: Array, height: Array, axes: tuple[float, ...], lumps: list[list[float]]) -> Array:
    """Signed distance in mm, about: a chestnut, broader at the base, with a shallow groove behind."""
    a, b, c = axes
    u, v = x / (a * (1 + 0.12 * height)), y / (b * (1 + 0.05 * height))
    v = v + 0.13 * np.exp(-((u * 2.6) ** 2)) * np.clip(v, 0, 1)
    squares = u**2 + v**2
    wave = sum(np.cos(2.4 * (p * u + q * v + r * height) + (3 * s)) for p, q, r, s in lumps)
    level = np.sqrt(squares + height**2) * (1 + 0.018 * wave)
    return np.asarray((level - 1) * (a * b * c) ** (1 / 3), np.float32)


def _inner(x: Array, y: Array, z: Array, patient: Patient) -> Array:
    """Signed distance to the two lobes: they touch the gland's front and lie nearer its base than its apex."""
    a, b, c = patient.inner
    front = -0.92 * (patient.gland[1] - patient.inner[1])
    up = 0.62 * (patient.gland[2] - patient.inner[2])
    apart = 0.30 * a
    height = (z - up) / c
    u = (np.abs(x) - apart) / (0.74 * a * (1 + 0.10 * height))
    level = np.sqrt(u**2 + ((y - front) / b) ** 2 + height**2)
    return np.asarray((level - 1) * (0.74 * a * b * c) ** (1 / 3), np.float32)


def _fibromuscular(x: Array, y: Array, z: Array, patient: Patient) -> Array:
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


def _peripheral_signal(
    block: Block, x: Array, tissue: dict[str, float], texture: Texture, random: np.random.Generator
) -> Array:
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
    tissue: dict[str, float],
    texture: Texture,
    nodules: Nodules,
) -> Array:
    """Mixed tissue with round nodules, each in a thin dark rim ("organised chaos")."""
    grain, patch = texture.fine(block), texture.coarse(block)
    signal = (tissue["transition"]) * (1 + 0.10 * grain + 0.14 * patch)
    for x, y, z, radius, kind, long in nodules:
        reach = 1.2 * radius + 1
        span = canvas.span((x - reach, y - reach, z - reach), (x + reach, y + reach, z + reach), frame)
        if span is None:
            continue
        part = tuple(
            slice(max(a.start - b.start, 0), max(a.stop - b.start, 0)) for a, b in zip(span, block.index, strict=True)
        )
        squares = ((block.x[part] - x) / long) ** 2 + (block.y[part] - y) ** 2 + ((block.z[part] - z) * long) ** 2
        distance = np.sqrt(squares) - radius + 0.3 * patch[part]
        core = tissue["stroma"] + kind * (tissue["glandular"] - tissue["stroma"])
        mixed = core * (1 + (0.08 + 0.18 * kind) * grain[part])
        under = signal[part]
        under += 0.8 * canvas.cover(distance) * (tissue["capsule"] - under)
        under += canvas.cover(distance + 1.1) * (mixed - under)
    return np.asarray(signal, np.float32)


def _paint_urethra(canvas: Canvas, block: Block, inside: Array, patient: Patient, tissue: dict[str, float]) -> None:
    """A ring that runs from the bladder neck in front to the apex, widest and brightest at the verumontanum."""
    b, c = patient.gland[1:]
    centre = (-0.10 * b) - (0.20 * b) * np.clip(block.z / c, -0.2, 1)
    across = np.sqrt((block.x * 0.8) ** 2 + (block.y - centre) ** 2)
    below = np.clip((0.35 * c - block.z) / 4, 0, 1)
    inside += 0.8 * below * canvas.cover(across - 3.6) * (tissue["fibromuscular"] - inside)
    inside += below * canvas.cover(across - 1.9) * (tissue["glandular"] - inside)
