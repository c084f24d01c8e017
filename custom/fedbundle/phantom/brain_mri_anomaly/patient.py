"""What differs from one invented person to the next: size and folds of the brain, ventricles, pose, and what is ill."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import placed, rotation

HEALTHY, SMALL_BRIGHT, MASS, DARK = range(4)
FINDINGS = ("healthy", "small bright lesions", "mass", "dark lesion")
CYCLE = 5  # of this many patients, the last two have a lesion


@dataclass(frozen=True)
class Patient:
    """One anatomy; lengths in mm, axes LPS (x to the left, y to the back, z to the head), origin between thalami."""

    age_years: int
    sex: str
    height_m: float
    weight_kg: float
    half_axes: tuple[float, float, float]
    """Of the brain: across, front to back, below to above."""
    fold: float
    """Size of the folds of the cortex, relative to the average."""
    sulcus_mm: float
    """Half width of a sulcus: wider with age."""
    ventricle_mm: float
    """Radius of the body of a lateral ventricle: wider with age."""
    pose: NDArray[np.float64]
    """4x4 from head mm to scanner LPS mm."""


def invent(random: np.random.Generator) -> Patient:
    """Draw a patient of 20 to 85 years."""
    age = int(random.integers(20, 86))
    older = (age - 20) / 65
    height = float(random.normal(1.71, 0.09))
    index = float(np.clip(random.normal(25.5, 3.5), 18, 36))
    table = (random.normal(0, 3), random.normal(0, 4), random.uniform(-40, 40))
    size = random.uniform(0.94, 1.06)
    return Patient(
        age_years=age,
        sex=str(random.choice(["F", "M"])),
        height_m=round(height, 2),
        weight_kg=round(index * height**2, 1),
        half_axes=(
            float(66 * size * random.uniform(0.97, 1.03)),
            float(84 * size * random.uniform(0.97, 1.03)),
            float(66 * size * random.uniform(0.97, 1.03)),
        ),
        fold=float(random.uniform(0.9, 1.1)),
        sulcus_mm=float(0.5 + 0.9 * older + random.normal(0, 0.15)),
        ventricle_mm=float(np.clip(4.5 + 4 * older**2 + random.normal(0, 0.8), 3.0, 11.0)),
        pose=placed(table, rotation(random.normal(0, 3), random.normal(0, 2), random.normal(0, 2.5))),
    )


def finding_of(index: int) -> int:
    """HEALTHY for three of five patients; the three families in turn for the others, so that few patients have all."""
    group, place = divmod(index - 1, CYCLE)
    ill = place - (CYCLE - 2)
    return HEALTHY if ill < 0 else 1 + (2 * group + ill) % 3
