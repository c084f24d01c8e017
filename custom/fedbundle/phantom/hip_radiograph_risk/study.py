"""One invented patient's radiograph at baseline, and what became of each hip that it shows."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedbundle.phantom.dicom_study import derived_uid
from fedbundle.phantom.hip_radiograph_fracture.patient import SIDES
from fedbundle.phantom.hip_radiograph_fracture.study import Plan, write_planned
from fedbundle.phantom.hip_radiograph_risk.hazard import Person, death_years, fracture_years, log_hazard, risk
from fedbundle.phantom.hip_radiograph_risk.hips import Build, invent_sound
from fedbundle.phantom.hip_radiograph_risk.sites import SITES, RiskSite

DAY = 1 / 365.25
CENSORED, FRACTURE, DEATH = 0, 1, 2
HORIZONS = (1, 2, 5, 10)
T_SCORE_SD, T_SCORE_NOISE = 0.12, 0.6
"""Of bone in healthy persons of 40, relative to their mean; of the measurement and the other skeleton, in T-scores."""


@dataclass(frozen=True)
class Course:
    """What becomes of one hip."""

    log_hazard: float
    years: float
    """From the film to fracture, death or the end of what is known."""
    event: int


@dataclass(frozen=True)
class Followed:
    """A patient with film, factors and courses; it depends on site and name alone."""

    plan: Plan
    builds: tuple[Build, Build]
    follow_up_years: float
    """To the day when follow-up ended for all."""
    factors: dict[str, str]
    """As the hospital knows them; "" = missing."""
    courses: tuple[Course, Course]
    """Right, left."""


def study_uid(profile: str, seed: int, index: int) -> str:
    """Study Instance UID of patient `index`, known before anything is written."""
    return derived_uid(_name(profile, seed, index), "study")


def label_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:
    """One row per hip that the film shows: side, follow-up in years, event, risk factors."""
    made = follow(SITES[profile], _name(profile, seed, index))
    rows = []
    for side in made.plan.sides:
        course = made.courses[SIDES.index(side)]
        known = {"time_years": _years(course.years), "event": str(course.event)}
        end = {"follow_up_years": _years(made.follow_up_years)}
        rows.append({"laterality": side} | known | end | made.factors)
    return rows


def truth_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:
    """One row per hip that the film shows, of what no hospital knows: log hazard, true risks, what drives them."""
    made = follow(SITES[profile], _name(profile, seed, index))
    rows = []
    for side in made.plan.sides:
        course, build = made.courses[SIDES.index(side)], made.builds[SIDES.index(side)]
        row = {"laterality": side, "log_hazard": f"{course.log_hazard:.6f}"}
        row |= {f"risk_{years}_years": f"{risk(course.log_hazard, years):.6f}" for years in HORIZONS}
        rows.append(row | {name: f"{value:.4f}" for name, value in vars(build).items()})
    return rows


def write_patient(dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:  # noqa: ARG001 - no masks
    """Write patient `index` of (profile, seed) as series folders under `dicom`; returns the number of DICOM files."""
    identifier, name = f"RISK{profile[-1].upper()}{seed:04}{index:04}", _name(profile, seed, index)
    site = SITES[profile]
    return write_planned(dicom, site.room, follow(site, name).plan, name, identifier)


def follow(site: RiskSite, text: str) -> Followed:
    """Draw a patient, the views, and what follows.

    Args:
        site: where.
        text: the seed of all that is drawn.
    """
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    who, course, gaps, *seeds = np.random.SeedSequence(entropy).spawn(8)
    random = np.random.default_rng(who)
    patient, builds = invent_sound(random, site.room.people)
    sides = (SIDES[int(random.integers(2))],) if random.random() < site.room.single_hip else SIDES
    decoy = ("lateral", "chest")[int(random.integers(2))] if random.random() < site.room.decoy else ""
    index = patient.weight_kg / patient.height_m**2
    prior = bool(random.random() < 1 / (1 + np.exp(1.3 + 0.5 * builds[0].density)))
    person = Person(patient.age_years, patient.sex == "F", prior, index)
    end, courses = _courses(np.random.default_rng(course), site, person, builds)
    told = {
        "age_years": str(person.age_years),
        "female": str(int(person.female)),
        "bmi": f"{index:.1f}",
        "prior_fracture": str(int(prior)),
        "bmd_t_score": f"{_t_score(patient.mineral, random):.1f}",
    }
    kept = np.random.default_rng(gaps).random(len(told)) >= [site.missing.get(name, 0.0) for name in told]
    factors = {name: value if there else "" for (name, value), there in zip(told.items(), kept, strict=True)}
    return Followed(Plan(patient, sides, decoy, tuple(seeds)), builds, end, factors, courses)


def _t_score(mineral: float, random: np.random.Generator) -> float:
    """Of the whole hip region, by another machine; the film shows each hip's own bone."""
    return float(np.clip((mineral - 1) / T_SCORE_SD + random.normal(0, T_SCORE_NOISE), -7.5, 4.5))


def _courses(
    random: np.random.Generator, site: RiskSite, person: Person, builds: tuple[Build, Build]
) -> tuple[float, tuple[Course, Course]]:
    """End of follow-up and the course of both hips; death and loss end that of both."""
    end = float(random.uniform(*site.follow_up_years))
    death, lost = death_years(random, person.age_years), float(random.exponential(1 / site.lost))
    found = []
    for build in builds:
        log = log_hazard(person, build)
        ways = {FRACTURE: fracture_years(random, log), DEATH: death, CENSORED: min(lost, end)}
        event = min(ways, key=lambda way: ways[way])
        found.append(Course(log, ways[event], event))
    return end, (found[0], found[1])


def _years(years: float) -> str:
    """In whole days, at least one, told in years."""
    return f"{max(1, int(np.ceil(years / DAY))) * DAY:.4f}"


def _name(profile: str, seed: int, index: int) -> str:
    return f"fedbundle phantom hip_radiograph_risk {profile} {seed} {index}"


__all__ = ["Course", "Followed", "follow", "label_rows", "study_uid", "truth_rows", "write_patient"]
