"""Whom a hospital sees: how often there is cancer, where, how large, how plain, and what else there is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """Shares are 0..1, lengths in mm. A pair is the range of a uniform draw."""

    prevalence: float = 0.33
    """Patients with at least one clinically significant cancer; in PI-CAI 29 % of cases have a lesion."""
    transition: float = 0.28
    """Cancers that lie in the transition zone."""
    second: float = 0.15
    """Patients with cancer who have another one."""
    diameter_mm: float = 12.5
    """Median of the largest diameter."""
    diameter_spread: float = 0.30
    """Standard deviation of its logarithm."""
    density: tuple[float, float] = (0.40, 0.95)
    """Share of a cancer's voxels that is tumour: conspicuity on MR."""
    indolent: float = 0.25
    """Patients with cancer of the lowest grade, which does not count; and so on."""
    haemorrhage: float = 0.22
    prostatitis: float = 0.35
    psma_negative: float = 0.10
    """Cancers that take up no more than what they replace."""
