"""Bodies without fracture or implant whose femora differ in what a later fracture hangs on."""

from dataclasses import dataclass, replace

import numpy as np

from fedbundle.phantom.hip_radiograph_fracture.patient import Hip, Patient, Population, expected_density, invent

SHARED = 0.85
"""Share of both hips' deviation that they have in common; the rest is each hip's own, in root mean square."""
DENSITY_SD, LENGTH_SD_MM, ANGLE_SD, CORTEX_SD = 0.25, 4.5, 6.0, 0.15
"""Of the logarithm of bone, of the neck's length, of its angle in degrees, of the logarithm of the cortex."""


@dataclass(frozen=True)
class Build:
    """What is drawn of one hip, as standard deviations from the mean person of any age."""

    density: float
    length: float
    angle: float
    cortex: float
    """Against the thickness that the density lets expect."""


def invent_sound(random: np.random.Generator, people: Population) -> tuple[Patient, tuple[Build, Build]]:
    """Draw a body with two sound hips and, of each, what is drawn of it."""
    patient = invent(random, replace(people, fractures=(1, 0, 0, 0, 0, 0)))
    common = random.normal(size=4)
    hips, builds = [], []
    for hip in patient.hips:
        own = SHARED * common + (1 - SHARED**2) ** 0.5 * random.normal(size=4)
        hips.append(_built(hip, patient, own, people))
        builds.append(build_of(hips[-1], patient))
    mineral = float(np.mean([hip.density for hip in hips]))
    return replace(patient, mineral=mineral, hips=(hips[0], hips[1])), (builds[0], builds[1])


def _built(hip: Hip, patient: Patient, by: np.ndarray, people: Population) -> Hip:
    usual = expected_density(patient.age_years, patient.sex == "F") * people.density
    density = float(np.clip(usual * np.exp(DENSITY_SD * by[0]), 0.3, 1.35))
    return replace(
        hip,
        density=density,
        neck_length_mm=float(np.clip(53 * patient.size + LENGTH_SD_MM * by[1], 38, 70)),
        neck_shaft_degrees=float(np.clip(128 + ANGLE_SD * by[2], 114, 145)),
        cortex_mm=float(np.clip(_cortex(density, patient) * np.exp(CORTEX_SD * by[3]), 2.4, 9.5)),
    )


def build_of(hip: Hip, patient: Patient) -> Build:
    """What is drawn of a hip, after all limits."""
    return Build(
        density=float(np.log(hip.density / 0.8) / 0.25),
        length=(hip.neck_length_mm - 53 * patient.size) / LENGTH_SD_MM,
        angle=(hip.neck_shaft_degrees - 128) / ANGLE_SD,
        cortex=float(np.log(hip.cortex_mm / _cortex(hip.density, patient))) / CORTEX_SD,
    )


def _cortex(density: float, patient: Patient) -> float:
    return float(7.0 * patient.size * density**0.6)
