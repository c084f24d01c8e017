"""What differs from one invented man to the next: gland, zones, pose, body, bladder, bowel."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import placed, rotation


@dataclass(frozen=True)
class Patient:
    """One anatomy; lengths in mm, axes LPS (x to the left, y to the back, z to the head), origin in the gland."""

    age_years: int
    height_m: float
    weight_kg: float
    gland: tuple[float, float, float]
    """Half axes of the gland: across, front to back, apex to base."""
    inner: tuple[float, float, float]
    """Half axes of the transition zone."""
    asymmetry: float
    """Left against right: half the relative difference of the zones' widths."""
    gland_turn: NDArray[np.float64]
    """3x3 rotation from the gland's own axes to the body's; mostly the forward tilt of the apex."""
    pose: NDArray[np.float64]
    """4x4 from body mm to scanner LPS mm: how the man lies on the table."""
    body: float
    """Size of the pelvis relative to the average."""
    fat_mm: float
    """Subcutaneous fat in front."""
    bladder_mm: float
    """Half axis of the bladder from front to back."""
    rectum_mm: float
    """Outer radius of the rectum behind the gland."""
    gas: float
    """Share of the rectum's width that gas fills; 0 = collapsed or stool."""

    @property
    def volume_ml(self) -> float:
        """Volume of the gland's ellipsoid, mL."""
        return 4 / 3 * pi * self.gland[0] * self.gland[1] * self.gland[2] / 1000


def invent(random: np.random.Generator) -> Patient:
    """Draw a patient: 25 to 90 mL, the transition zone's share growing with the volume (hyperplasia)."""
    age = int(np.clip(random.normal(67, 8), 48, 86))
    volume = float(26 + 62 * random.beta(1.5 + 0.02 * (age - 48), 3.2))
    size = (volume * 1000 / (4 / 3 * pi)) ** (1 / 3)
    large = float(np.clip((volume - 25) / 65, 0, 1))
    across = (1.26 - 0.10 * large) * random.uniform(0.97, 1.03)
    deep = (0.83 + 0.06 * large) * random.uniform(0.96, 1.04)
    gland = (size * across, size * deep, size / (across * deep))
    share = float(np.clip(0.36 + 0.34 * large**0.8 + random.normal(0, 0.035), 0.32, 0.72))
    scale = (share * 0.84) ** (1 / 3)
    inner = (gland[0] * scale * 0.93, gland[1] * scale * random.uniform(0.97, 1.03), gland[2] * scale * 1.02)
    height = float(random.normal(1.77, 0.07))
    index = float(np.clip(random.normal(26.5, 3.0), 20, 36))
    table = (random.normal(0, 3), random.normal(0, 3.5), random.uniform(-60, 60))
    return Patient(
        age_years=age,
        height_m=round(height, 2),
        weight_kg=round(index * height**2, 1),
        gland=gland,
        inner=inner,
        asymmetry=float(np.clip(random.normal(0, 0.06), -0.13, 0.13)),
        gland_turn=rotation(-random.uniform(6, 22), random.normal(0, 2), random.normal(0, 2.5)),
        pose=placed(table, rotation(random.normal(0, 2.5), random.normal(0, 1.5), random.normal(0, 2.5))),
        body=float(np.clip(height / 1.77 + random.normal(0, 0.02), 0.92, 1.08)),
        fat_mm=6 + 1.6 * (index - 20),
        bladder_mm=float(random.uniform(16, 34)),
        rectum_mm=float(random.uniform(13, 19)),
        gas=float(max(0.0, random.uniform(-0.6, 0.75))),
    )
