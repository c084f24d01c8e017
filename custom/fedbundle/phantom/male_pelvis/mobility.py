"""How water moves in each tissue of the male pelvis, and what fat suppression leaves of fat."""

from collections.abc import Mapping

from fedbundle.phantom.diffusion import Mobility

MOBILITY: Mapping[str, Mobility] = {
    "air": Mobility(0, 0, 0),
    "fat": Mobility(100, 0, 0),
    "connective": Mobility(1300, 0.8, 0.04),
    "muscle": Mobility(1600, 0.6, 0.04),
    "cortex": Mobility(700, 0, 0),
    "marrow": Mobility(500, 0, 0.05),
    "cartilage": Mobility(1200, 0.5, 0),
    "urine": Mobility(2950, 0, 0),
    "joint fluid": Mobility(2600, 0, 0),
    "bladder wall": Mobility(1700, 0.7, 0.06),
    "rectal muscle": Mobility(1500, 0.7, 0.06),
    "mucosa": Mobility(1550, 0.8, 0.08),
    "stool": Mobility(1400, 0.6, 0),
    "vein": Mobility(2000, 0, 0.6),
    "artery": Mobility(2000, 0, 0.8),
    "vesicle": Mobility(2300, 0.3, 0.02),
    "vesicle wall": Mobility(1500, 0.7, 0.05),
    "peripheral": Mobility(2050, 0.57, 0.05),
    "septum": Mobility(1600, 0.75, 0.05),
    "transition": Mobility(1650, 0.75, 0.06),
    "stroma": Mobility(1330, 0.85, 0.06),
    "glandular": Mobility(1900, 0.65, 0.06),
    "urethra": Mobility(1900, 0.65, 0.06),
    "fibromuscular": Mobility(1250, 0.85, 0.05),
    "capsule": Mobility(1300, 0.8, 0.04),
}
"""Of the gland so that ADC from b = 50 to 1000 lies where PI-RADS readers find it: peripheral zone about 1600,
transition zone 1300, stromal nodules 1050 (1e-6 mm2/s); kurtosis after Rosenkrantz et al., Radiology 264:126 (2012)."""

SATURATED = {"fat": 0.04, "marrow": 0.12}
"""Signal that fat suppression leaves."""
