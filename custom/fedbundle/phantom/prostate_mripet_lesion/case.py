"""One invented man with what his prostate holds: everything that is drawn before an image is formed."""

import hashlib
from dataclasses import dataclass

import numpy as np

from fedbundle.phantom.male_pelvis.patient import Patient, invent
from fedbundle.phantom.prostate_mripet_lesion.findings import (
    CANCER,
    HAEMORRHAGE,
    INDOLENT,
    PERIPHERAL,
    PROSTATITIS,
    TRANSITION,
    Finding,
)
from fedbundle.phantom.prostate_mripet_lesion.place import draw_centre, facing
from fedbundle.phantom.prostate_mripet_lesion.population import Population
from fedbundle.phantom.prostate_mripet_lesion.site import Site
from fedbundle.phantom.prostate_mripet_lesion.sites import SITES
from fedbundle.phantom.prostate_mripet_lesion.tracers import Tracer

NATIVE = ("peripheral", "septum", "transition", "stroma", "glandular")
"""Tissues of the gland whose T2 and diffusivity differ between men."""


@dataclass(frozen=True)
class Case:
    """What is true of one patient."""

    man: Patient
    findings: tuple[Finding, ...]
    relaxation: dict[str, float]
    """T2 of tissues of his gland, relative to the usual."""
    mobility: dict[str, float]
    """Diffusivity of them, likewise."""
    tracer: Tracer | None
    """None: this patient has no PET."""
    background: float
    """Uptake of his tissues, relative to the tracer's usual one."""
    urine: float
    """SUV in his bladder."""

    @property
    def cancers(self) -> tuple[Finding, ...]:
        """The clinically significant ones."""
        return tuple(finding for finding in self.findings if finding.kind == CANCER)


def seeds(profile: str, seed: int, index: int, count: int) -> list[np.random.SeedSequence]:
    """Independent sources of randomness of one patient; the first draws the case."""
    text = seed_text(profile, seed, index)
    return np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")).spawn(count)


def seed_text(profile: str, seed: int, index: int) -> str:
    """What names a patient among all."""
    return f"fedbundle phantom prostate_mripet_lesion {profile} {seed} {index}"


def invent_case(profile: str, seed: int, index: int, site: Site | None = None) -> Case:
    """Draw a patient; `site` takes the place of that of the profile, for studies of its parameters."""
    site = site or SITES[profile]
    random = np.random.default_rng(seeds(profile, seed, index, 1)[0])
    man = invent(random)
    tracer = site.pet.tracer if site.pet and random.random() < site.pet.share else None
    return Case(
        man=man,
        findings=_findings(man, site.population, tracer, random),
        relaxation={name: float(np.exp(random.normal(0, 0.10))) for name in NATIVE},
        mobility={name: float(np.exp(random.normal(0, 0.08))) for name in NATIVE},
        tracer=tracer,
        background=float(np.exp(random.normal(0, 0.18))),
        urine=float(tracer.urine * np.exp(random.normal(0, tracer.urine_spread))) if tracer else 0.0,
    )


def _findings(
    man: Patient, population: Population, tracer: Tracer | None, random: np.random.Generator
) -> tuple[Finding, ...]:
    """False friends first, so that cancer lies over them."""
    found = []
    for kind, often in (
        (PROSTATITIS, population.prostatitis),
        (HAEMORRHAGE, population.haemorrhage),
        (INDOLENT, population.indolent),
    ):
        if random.random() < often:
            found.append(_finding(kind, man, population, tracer, random))
    if random.random() < population.prevalence:
        found.append(_finding(CANCER, man, population, tracer, random))
        if random.random() < population.second:
            found.append(_finding(CANCER, man, population, tracer, random))
    return tuple(found)


def _finding(
    kind: str, man: Patient, population: Population, tracer: Tracer | None, random: np.random.Generator
) -> Finding:
    zone = TRANSITION if kind in (CANCER, INDOLENT) and random.random() < population.transition else PERIPHERAL
    size = population.diameter_mm * float(np.exp(random.normal(0, population.diameter_spread)))
    if kind == CANCER:
        half, density, ragged = float(np.clip(size, 6, 28)) / 2, random.uniform(*population.density), 0.20
    elif kind == INDOLENT:
        half, density, ragged = random.uniform(2.5, 5.0), random.uniform(0.25, 0.60), 0.25
    elif kind == HAEMORRHAGE:
        half, density, ragged = random.uniform(4, 9), random.uniform(0.65, 1.0), 0.7
    else:
        half, density, ragged = random.uniform(5, 10), random.uniform(0.4, 1.0), 0.25
    wide, flat, long = (1, random.uniform(0.62, 0.85), random.uniform(0.8, 1.1))
    centre = draw_centre(man, zone, 0.55 * half * flat, random)
    return Finding(
        kind=kind,
        zone=zone,
        centre=centre,
        radii=(half * wide, half * flat, half * long),
        turn=facing(centre),
        density=float(density),
        uptake=_uptake(kind, population, tracer, random),
        ragged=ragged,
    )


def _uptake(kind: str, population: Population, tracer: Tracer | None, random: np.random.Generator) -> float:
    """SUV; 0 = as what lies there. The draws are the same with and without a tracer."""
    negative, size = random.random() < population.psma_negative, random.normal()
    if tracer is None:
        return 0.0
    usual = tracer.uptake["peripheral"]
    if kind == CANCER:
        return 0.0 if negative else float(np.clip(tracer.cancer * np.exp(tracer.cancer_spread * size), 1.5 * usual, 70))
    if kind == INDOLENT:
        return float(usual * np.exp(0.35 + 0.3 * size))
    if kind == PROSTATITIS:
        return float(usual * np.exp(0.30 + 0.2 * size))
    return 0.7 * usual
