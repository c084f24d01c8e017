"""PSMA tracers: nuclide, dose, and the SUV that tissues and cancers reach with each."""

from collections.abc import Mapping
from dataclasses import dataclass

from fedbundle.phantom.pt_dicom import FLUORINE_18, GALLIUM_68, Nuclide


@dataclass(frozen=True)
class Tracer:
    """SUV are by body weight (g/ml), means of the tissue at the time of the scan."""

    name: str
    nuclide: Nuclide
    dose_mbq_kg: float
    before_s: int
    """From injection to scan."""
    cancer: float
    """Median SUV of significant cancers that express PSMA."""
    cancer_spread: float
    """Standard deviation of its logarithm."""
    urine: float
    """Median SUV in the bladder: high where the kidneys excrete the tracer, low where the liver does."""
    urine_spread: float
    uptake: Mapping[str, float]
    """SUV of every other tissue."""


BACKGROUND: Mapping[str, float] = {
    "air": 0.0,
    "fat": 0.3,
    "connective": 0.5,
    "muscle": 0.6,
    "cortex": 0.4,
    "marrow": 0.5,
    "cartilage": 0.3,
    "joint fluid": 0.6,
    "bladder wall": 1.2,
    "rectal muscle": 0.9,
    "mucosa": 1.2,
    "stool": 0.4,
    "vein": 1.5,
    "artery": 1.5,
    "vesicle": 1.4,
    "vesicle wall": 1.6,
}
PSMA_11 = Tracer(
    name="Ga-68 PSMA-11",
    nuclide=GALLIUM_68,
    dose_mbq_kg=2.0,
    before_s=3600,
    cancer=9.5,
    cancer_spread=0.50,
    urine=28.0,
    urine_spread=0.45,
    uptake={
        **BACKGROUND,
        "peripheral": 2.2,
        "septum": 2.2,
        "transition": 2.6,
        "stroma": 2.7,
        "glandular": 3.6,
        "urethra": 6.0,
        "fibromuscular": 1.6,
        "capsule": 2.0,
    },
)
PSMA_1007 = Tracer(
    name="F-18 PSMA-1007",
    nuclide=FLUORINE_18,
    dose_mbq_kg=3.6,
    before_s=6600,
    cancer=13.5,
    cancer_spread=0.50,
    urine=3.5,
    urine_spread=0.35,
    uptake={
        **BACKGROUND,
        "muscle": 0.8,
        "marrow": 1.2,
        "vein": 2.6,
        "artery": 2.6,
        "peripheral": 3.6,
        "septum": 3.6,
        "transition": 4.2,
        "stroma": 4.4,
        "glandular": 5.6,
        "urethra": 4.0,
        "fibromuscular": 2.6,
        "capsule": 3.2,
    },
)
"""Near the biodistributions of Afshar-Oromieh et al., EJNMMI 40:486 (2013), and Giesel et al., EJNMMI 44:678 (2017)."""
