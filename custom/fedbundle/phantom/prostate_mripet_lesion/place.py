"""Where findings lie in the gland: points of a zone with room around them."""

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Array, rotation
from fedbundle.phantom.male_pelvis.gland import lobes_mm, outline_mm, skewed, stroma_mm
from fedbundle.phantom.male_pelvis.patient import Patient
from fedbundle.phantom.prostate_mripet_lesion.findings import PERIPHERAL

CANDIDATES = 400
Points = NDArray[np.float64]


def depths(points: Points, man: Patient, zone: str) -> Array:
    """How deep in a zone `points` [point, xyz] of the gland's own axes (mm) lie, in mm, about; negative outside."""
    x, y, z = np.asarray(points, np.float32).T
    x = skewed(x, man)
    outer = -outline_mm(x, y, z, man, ())
    inner = np.minimum(lobes_mm(x, y, z, man), stroma_mm(x, y, z, man))
    if zone == PERIPHERAL:
        return np.asarray(np.minimum(outer, inner), np.float32)
    return np.asarray(np.minimum(outer, -inner), np.float32)


def draw_centre(man: Patient, zone: str, reach_mm: float, random: np.random.Generator) -> tuple[float, float, float]:
    """A point at least `reach_mm` deep in the zone; where the zone is not that deep, its deepest of those drawn.

    In the peripheral zone most lie behind and beside, between apex and middle; in the transition zone in front.
    """
    points = _peripheral(man, random) if zone == PERIPHERAL else _transition(man, random)
    deep = depths(points, man, zone)
    enough = np.flatnonzero(deep >= reach_mm)
    x, y, z = points[enough[0] if enough.size else int(deep.argmax())]
    return float(x), float(y), float(z)


def facing(centre: tuple[float, float, float]) -> NDArray[np.float64]:
    """3x3 rotation whose second column points from the gland's long axis to `centre`: along y at the back."""
    return rotation(0, 0, float(np.degrees(np.arctan2(-centre[0], centre[1]))))


def _peripheral(man: Patient, random: np.random.Generator) -> Points:
    a, b, c = man.gland
    angle = random.choice((-1, 1), CANDIDATES) * np.radians(np.clip(random.gamma(2.6, 17, CANDIDATES), 4, 125))
    out = random.uniform(0.45, 1.0, CANDIDATES)
    height = np.clip(random.normal(-0.12, 0.36, CANDIDATES), -0.8, 0.7)
    return np.stack([out * a * np.sin(angle), out * b * np.cos(angle), height * c], axis=1)


def _transition(man: Patient, random: np.random.Generator) -> Points:
    a, b, c = man.gland
    side = random.uniform(-0.75, 0.75, CANDIDATES) * a
    back = random.uniform(-0.9, 0.25, CANDIDATES) * b
    return np.stack([side, back, random.uniform(-0.45, 0.7, CANDIDATES) * c], axis=1)
