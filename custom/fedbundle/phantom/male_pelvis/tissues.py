"""The tissues of the male pelvis, the signal they give on one scanner, and their grain."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.canvas import Array, Block, Canvas, Value
from fedbundle.phantom.mr_image import Acquisition, Tissue
from fedbundle.phantom.texture import Texture

TISSUES: Mapping[str, Tissue] = {
    "air": Tissue(0.0, 1.0, 1.0),
    "fat": Tissue(0.90, 380, 165),
    "connective": Tissue(0.80, 900, 92),
    "muscle": Tissue(0.80, 1300, 44),
    "cortex": Tissue(0.06, 1000, 30),
    "marrow": Tissue(0.62, 480, 120),
    "cartilage": Tissue(0.60, 1100, 40),
    "urine": Tissue(1.00, 3600, 900),
    "joint fluid": Tissue(0.60, 3600, 900),
    "bladder wall": Tissue(0.80, 1300, 50),
    "rectal muscle": Tissue(0.80, 1300, 50),
    "mucosa": Tissue(0.85, 1300, 78),
    "stool": Tissue(0.65, 900, 60),
    "vein": Tissue(0.95, 1700, 170),
    "artery": Tissue(0.12, 1600, 60),
    "vesicle": Tissue(0.95, 1900, 240),
    "vesicle wall": Tissue(0.80, 1300, 60),
    "peripheral": Tissue(0.92, 1650, 185),
    "septum": Tissue(0.85, 1400, 85),
    "transition": Tissue(0.86, 1450, 84),
    "stroma": Tissue(0.82, 1350, 58),
    "glandular": Tissue(0.90, 1550, 135),
    "urethra": Tissue(0.90, 1550, 135),
    "fibromuscular": Tissue(0.80, 1300, 48),
    "capsule": Tissue(0.75, 1300, 42),
}
"""Relaxation times near those of Stanisz et al., MRM 54:507 (2005), and of Bojorquez et al., MRI 35:69 (2017)."""


def signals(acquisition: Acquisition) -> dict[str, float]:
    """Signal of each tissue, relative to free water at zero echo time."""
    return {name: acquisition.signal(tissue) for name, tissue in TISSUES.items()}


Palette = Mapping[str, Value]
"""Signal of each tissue by its name."""


@dataclass(frozen=True)
class Paints:
    """Signals that vary from voxel to voxel of a canvas, [.., sub-slice, row, column]."""

    fat: Array
    muscle: Array
    marrow: Array


def mix(canvas: Canvas, whole: Block, tissue: Palette, texture: Texture) -> Paints:
    """Fat with thin septa, muscle with streaks of fat, mottled marrow; and uneven surfaces for all that follows."""
    coarse = texture.coarse(whole)
    strands = np.abs(coarse)
    strands *= -9
    strands += 1
    np.clip(strands, 0, 1, out=strands)
    canvas.relief = coarse * 0.6
    fat, muscle, marrow = tissue["fat"], tissue["muscle"], tissue["marrow"]
    return Paints(
        fat=np.asarray(fat - strands * (0.3 * fat), np.float32),
        muscle=np.asarray(muscle + strands * (0.25 * (fat - muscle)), np.float32),
        marrow=np.asarray(marrow + coarse * (0.10 * marrow), np.float32),
    )
