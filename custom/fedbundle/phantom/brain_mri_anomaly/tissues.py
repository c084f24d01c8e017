"""The tissues of the head, and the signal they give with and without an inversion pulse."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.mr_image import Acquisition, Tissue

TISSUES: Mapping[str, Tissue] = {
    "white": Tissue(0.70, 1084, 69),
    "grey": Tissue(0.82, 1820, 99),
    "deep grey": Tissue(0.80, 1500, 82),
    "fluid": Tissue(1.00, 4200, 800),
    "plaque": Tissue(0.88, 1700, 150),
    "core": Tissue(0.95, 2900, 350),
    "ring": Tissue(0.84, 1650, 125),
    "oedema": Tissue(0.86, 1600, 140),
    "blood": Tissue(0.70, 1300, 38),
    "bone": Tissue(0.06, 1000, 30),
    "fat": Tissue(0.90, 380, 165),
}
"""White and grey matter of Stanisz et al., MRM 54:507 (2005), at 3 T; the others are plausible, not measured."""


@dataclass(frozen=True)
class Inversion(Acquisition):
    """A spin-echo train after an inversion pulse: FLAIR, where the time nulls the fluid."""

    inversion_ms: float = 0.0

    def signal(self, tissue: Tissue) -> float:
        """Magnitude of density * (1 - 2 exp(-TI/T1) + exp(-TR/T1)) * exp(-TE/T2).

        Hajnal JV, Bryant DJ, Kasuboski L, et al. Use of fluid attenuated inversion recovery (FLAIR) pulse sequences in
        MRI of the brain. J Comput Assist Tomogr 16:841 (1992).
        """
        t1 = tissue.t1_ms * (self.field_tesla / 3) ** 0.33
        t2 = tissue.t2_ms * (3 / self.field_tesla) ** 0.1
        along = 1 - 2 * np.exp(-self.inversion_ms / t1) + np.exp(-self.repetition_ms / t1)
        return float(tissue.density * abs(along) * np.exp(-self.echo_ms / t2))


def signals(acquisition: Acquisition) -> dict[str, float]:
    """Signal of each tissue, relative to free water at zero echo time."""
    return {name: acquisition.signal(tissue) for name, tissue in TISSUES.items()}
