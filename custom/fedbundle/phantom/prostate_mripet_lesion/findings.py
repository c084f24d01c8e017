"""What stands out in a prostate: cancer, and what looks like it; where each kind lies and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.diffusion import Mobility
from fedbundle.phantom.mr_image import Tissue

CANCER, INDOLENT, HAEMORRHAGE, PROSTATITIS = "cancer", "indolent", "haemorrhage", "prostatitis"
PERIPHERAL, TRANSITION = "peripheral", "transition"


@dataclass(frozen=True)
class Finding:
    """One lesion, in the gland's own axes (mm).

    Only `cancer` is clinically significant and counts in the truth. `indolent` is cancer of the lowest grade: small,
    sparse, hardly avid. Haemorrhage and prostatitis lie in the peripheral zone.
    """

    kind: str
    zone: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    """Half axes: along the capsule, away from it, along the gland."""
    turn: NDArray[np.float64]
    """3x3 rotation from the finding's axes to the gland's."""
    density: float
    """Share of the tissue in it that it replaces, 0..1: conspicuity on MR."""
    uptake: float
    """SUV of the finding as a whole, before the scanner blurs it; 0 = that of what it replaces."""
    ragged: float
    """How far its surface wanders in and out, in parts of its smallest half axis."""


Substance = tuple[Tissue, Mobility]
SUBSTANCES: Mapping[tuple[str, str], Substance] = {
    (CANCER, PERIPHERAL): (Tissue(0.86, 1450, 86), Mobility(800, 0.97, 0.03)),
    (CANCER, TRANSITION): (Tissue(0.84, 1400, 66), Mobility(760, 0.97, 0.03)),
    (INDOLENT, PERIPHERAL): (Tissue(0.87, 1450, 92), Mobility(900, 0.95, 0.04)),
    (INDOLENT, TRANSITION): (Tissue(0.84, 1400, 68), Mobility(900, 0.95, 0.04)),
    (HAEMORRHAGE, PERIPHERAL): (Tissue(0.82, 900, 60), Mobility(1080, 0.60, 0.03)),
    (PROSTATITIS, PERIPHERAL): (Tissue(0.88, 1450, 108), Mobility(1350, 0.80, 0.06)),
}
"""What pure findings are made of. Haemorrhage is dark on T2 and so on high b as well; its ADC is moderately low."""
