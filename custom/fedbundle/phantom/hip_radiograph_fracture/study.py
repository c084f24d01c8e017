"""One invented patient's study: a radiograph of the pelvis or of one hip, sometimes beside something else."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.dicom_study import Exam, Person, derived_uid
from fedbundle.phantom.dx_dicom import View, write_view
from fedbundle.phantom.hip_radiograph_fracture import decoys
from fedbundle.phantom.hip_radiograph_fracture.collimator import Field, draw_field, letter
from fedbundle.phantom.hip_radiograph_fracture.flesh import add_flesh, clouds
from fedbundle.phantom.hip_radiograph_fracture.patient import SIDES, Patient, invent
from fedbundle.phantom.hip_radiograph_fracture.pelvis import add_trunk
from fedbundle.phantom.hip_radiograph_fracture.sites import BLACK, SHUTTER, SITES, Site
from fedbundle.phantom.hip_radiograph_fracture.skeleton import add_femur, body_frame
from fedbundle.phantom.radiograph_beam import Beam
from fedbundle.phantom.radiograph_image import Film, grey, signal

MARROW_TEXTURE = 0.07
"""Standard deviation of the texture of bone, relative."""
TABLE_MM = 62
"""From the skin of the back to the detector."""


@dataclass(frozen=True)
class Plan:
    """What is drawn before anything is projected; it depends on site and name alone."""

    patient: Patient
    sides: tuple[str, ...]
    """The hips that the film shows: R, L or both."""
    decoy: str
    """"", "lateral" or "chest"."""
    seeds: tuple[np.random.SeedSequence, ...]
    """Of header, positioning, tissue, noise, decoy."""


def study_uid(profile: str, seed: int, index: int) -> str:
    """Study Instance UID of patient `index`, known before anything is written."""
    return derived_uid(_name(profile, seed, index), "study")


def label_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:
    """One row per hip that the film shows: its side, and its class as a number."""
    made = plan(SITES[profile], _name(profile, seed, index))
    return [{"laterality": side, "fracture": str(made.patient.hips[SIDES.index(side)].fracture)} for side in made.sides]


def write_patient(dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:  # noqa: ARG001 - no masks
    """Write patient `index` of (profile, seed) as series folders under `dicom`; returns the number of DICOM files."""
    identifier = f"HIP{profile[-1].upper()}{seed:04}{index:04}"
    return write_study(dicom, SITES[profile], _name(profile, seed, index), identifier)


def write_study(dicom: Path, site: Site, text: str, identifier: str) -> int:
    """Write one study of any site, also one that `dataclasses.replace` made; returns the number of DICOM files.

    Args:
        dicom: folder of the patient; each series gets a folder in it.
        site: where it is made.
        text: the seed of all that is drawn, and of the UIDs.
        identifier: Patient ID.
    """
    return write_planned(dicom, site, plan(site, text), text, identifier)


def write_planned(dicom: Path, site: Site, made: Plan, text: str, identifier: str) -> int:
    """Write the study of a plan, also one that another generator drew; arguments as of `write_study`."""
    exam = _exam(site, made, text, identifier)
    shown, view = picture(site, made)
    files = write_view(dicom / f"{view.number:03}_{_plain(view.description)}", exam, site.unit, view, shown)
    if made.decoy:
        other, extra = _decoy(site, made)
        files += write_view(dicom / f"{extra.number:03}_{_plain(extra.description)}", exam, site.unit, extra, other)
    return files


def plan(site: Site, text: str) -> Plan:
    """Draw patient and views."""
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    who, *seeds = np.random.SeedSequence(entropy).spawn(6)
    random = np.random.default_rng(who)
    patient = invent(random, site.people)
    sides = (SIDES[int(random.integers(2))],) if random.random() < site.single_hip else SIDES
    decoy = ("lateral", "chest")[int(random.integers(2))] if random.random() < site.decoy else ""
    return Plan(patient, sides, decoy, tuple(seeds))


def picture(site: Site, made: Plan) -> tuple[Array, View]:
    """The radiograph as P-Values [row, column], and what its header tells."""
    random = np.random.default_rng(made.seeds[1])
    beam = _beam(site, made, random)
    field = draw_field(beam, site.border_mm, random)
    film = project(made.patient, beam, np.random.default_rng(made.seeds[2]))
    single = len(made.sides) == 1
    mark = made.sides[0] if single else SIDES[int(random.integers(2))]
    letter(film, mark, field, random)
    field.shade(film)
    energy = signal(film, site.exposure, np.random.default_rng(made.seeds[3]))
    shown = grey(energy, beam.pixel_mm, site.processing)
    if site.border == BLACK:
        field.blacken(shown)
    view = View(
        number=1,
        start_s=60,
        description=site.hip_name if single else site.pelvis_name,
        body_part="HIP" if single else "PELVIS",
        position="AP",
        laterality=mark if single else "B",
        pixel_mm=site.pixel_mm,
        magnification=beam.magnification(0),
        shutter=field.edges if site.border == SHUTTER else None,
    )
    return shown, view


def project(patient: Patient, beam: Beam, random: np.random.Generator) -> Film:
    """What the rays cross: both femora with their implants, the trunk, the soft parts."""
    film = Film(beam)
    frame = body_frame(patient)
    for side in (-1, 1):
        add_femur(film, patient, side)
    add_trunk(film, patient, frame)
    film.mass["bone"] *= 1 + np.float32(MARROW_TEXTURE) * clouds((beam.rows, beam.columns), 1.8, random)
    add_flesh(film, patient, frame, random)
    return film


def _beam(site: Site, made: Plan, random: np.random.Generator) -> Beam:
    patient = made.patient
    off = site.people.malposition
    if len(made.sides) == 1:
        side = -1 if made.sides[0] == "R" else 1
        centre = (side * (patient.half_distance_mm + random.normal(14, 6 * off)), random.normal(-22, 7 * off))
        rows, columns = site.hip
    else:
        centre = (random.normal(0, 5 * off), random.normal(22, 7 * off))
        rows, columns = site.pelvis
    return Beam(rows, columns, site.pixel_mm, site.unit.focus_mm, patient.depth_mm / 2 + TABLE_MM, centre)


def _decoy(site: Site, made: Plan) -> tuple[Array, View]:
    random = np.random.default_rng(made.seeds[4])
    side = made.sides[0]
    if made.decoy == "lateral":
        film = decoys.lateral(made.patient, -1 if side == "R" else 1, site.unit.focus_mm, random)
        told = (site.lateral_name, "HIP", "LL", side)
        orientation = ("A", "F")
    else:
        film = decoys.chest(site.unit.focus_mm, random)
        told = (site.chest_name, "CHEST", "AP", "U")
        orientation = ("L", "F")
    shown = grey(signal(film, site.exposure, random), film.beam.pixel_mm, site.processing)
    pixel, grow = film.beam.pixel_mm, film.beam.magnification(0)
    return shown, View(2, 400, *told, pixel, grow, orientation=orientation)


def _name(profile: str, seed: int, index: int) -> str:
    return f"fedbundle phantom hip_radiograph_fracture {profile} {seed} {index}"


def _plain(description: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in description)


def _exam(site: Site, made: Plan, text: str, identifier: str) -> Exam:
    random = np.random.default_rng(made.seeds[0])
    patient = made.patient
    names = site.given_names[0 if patient.sex == "F" else 1 :: 2]
    given, former = random.choice(names, size=2, replace=False)
    day = date(2018, 3, 5) + timedelta(days=int(random.integers(0, 2000)))
    born = day - timedelta(days=int(patient.age_years * 365.25 + random.integers(5, 355)))
    person = Person(
        name=f"PHANTOM^{given}^{identifier}",
        former_name=f"PHANTOM-FORMER^{former}^{identifier}",
        identifier=identifier,
        birth_date=f"{born:%Y%m%d}",
        age_years=patient.age_years,
        height_m=patient.height_m,
        weight_kg=patient.weight_kg,
        sex=patient.sex,
    )
    start = int(random.integers(0, 23 * 3600))
    accession = f"{random.integers(10**9, 10**10)}"
    body_part = "HIP" if len(made.sides) == 1 else "PELVIS"
    return Exam(person, text, f"{day:%Y%m%d}", start, accession, site.study, body_part)


__all__ = [
    "Field",
    "label_rows",
    "picture",
    "plan",
    "project",
    "study_uid",
    "write_patient",
    "write_planned",
    "write_study",
]
