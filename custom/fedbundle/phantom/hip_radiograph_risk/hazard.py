"""The known hazard: proportional in what is drawn and in what the hospital may know, Weibull in time; and death."""

from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.hip_radiograph_risk.hips import Build

SHAPE = 1.2
"""Of the Weibull distribution: the hazard rises a little with the years."""
TEN_YEARS = 0.4
"""Risk of a hip with a log hazard of 0 within ten years, if its bearer lives. Far more than in any hospital: the
phantom has to give events enough to measure concordance on few patients."""
LOG_HAZARD = {
    "age": 0.95,  # per 10 years above 75, besides what density loses with age
    "female": 0.25,
    "prior_fracture": 0.62,
    "bmi": -0.12,  # per 4 kg/m2 above 26
    "density": -0.85,  # of the hip, per standard deviation
    "length": 0.25,
    "angle": 0.15,
    "cortex": -0.20,
}
"""In the directions that are known of people: Faulkner KG, Cummings SR, Black D, et al. Simple measurement of femoral
geometry predicts hip fracture. J Bone Miner Res 8:1211 (1993); Gluer CC, Cummings SR, Pressman A, et al. Prediction of
hip fractures from pelvic radiographs. J Bone Miner Res 9:671 (1994). The sizes are chosen, not measured; with age
and the bone that goes with it the hazard rises 13-fold from 60 to 80 years as in De Laet CE, van Hout BA, Burger H, et
al. Bone density and risk of hip fracture in men and women. BMJ 315:221 (1997), and by 1.85 with a fracture before as in
Kanis JA, Johnell O, De Laet C, et al. A meta-analysis of previous fracture and subsequent fracture risk. Bone 35:375
(2004)."""
DEATHS = 0.030
"""Per year at 75; doubles every 8 years (Gompertz)."""


@dataclass(frozen=True)
class Person:
    """What of a patient drives the hazards of both hips."""

    age_years: int
    female: bool
    prior_fracture: bool
    bmi: float


def log_hazard(person: Person, build: Build) -> float:
    """Logarithm of the hazard relative to the reference; what an oracle ranks by."""
    told = {
        "age": (person.age_years - 75) / 10,
        "female": float(person.female),
        "prior_fracture": float(person.prior_fracture),
        "bmi": (person.bmi - 26) / 4,
        "density": build.density,
        "length": build.length,
        "angle": build.angle,
        "cortex": build.cortex,
    }
    return float(sum(LOG_HAZARD[name] * value for name, value in told.items()))


def risk(log_hazards: float, years: float) -> float:
    """Chance of a fracture up to a time, if death does not come before."""
    return float(-np.expm1(np.log1p(-TEN_YEARS) * (years / 10) ** SHAPE * np.exp(log_hazards)))


def fracture_years(random: np.random.Generator, log_hazards: float) -> float:
    """Draw when a hip breaks."""
    reference = -np.log1p(-TEN_YEARS)
    return float(10 * (random.exponential() / (reference * np.exp(log_hazards))) ** (1 / SHAPE))


def death_years(random: np.random.Generator, age_years: int) -> float:
    """Draw when a patient dies."""
    growth = np.log(2) / 8
    now = DEATHS * np.exp(growth * (age_years - 75))
    return float(np.log1p(growth * random.exponential() / now) / growth)
