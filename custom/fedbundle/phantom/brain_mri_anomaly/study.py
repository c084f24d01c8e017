"""One invented person's study: a T1-weighted series, the transverse FLAIR or T2, and the mask of what is ill on it."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.brain_mri_anomaly.brain import Painted, paint_brain, paint_skull
from fedbundle.phantom.brain_mri_anomaly.lesions import paint_lesions
from fedbundle.phantom.brain_mri_anomaly.patient import FINDINGS, Patient, finding_of, invent
from fedbundle.phantom.brain_mri_anomaly.sites import SITES, Site
from fedbundle.phantom.brain_mri_anomaly.tissues import Inversion, signals
from fedbundle.phantom.canvas import Array, Canvas, Grid
from fedbundle.phantom.dicom_study import Exam, Person, derived_uid, plain
from fedbundle.phantom.label_map import write_label_map
from fedbundle.phantom.mr_dicom import Series, write_series
from fedbundle.phantom.mr_image import Acquisition, magnitude, stored
from fedbundle.phantom.slices import TRANSVERSE, centred
from fedbundle.phantom.texture import Texture

STRIPPED_MM = 1.0  # how far a program that strips the skull is off


def study_uid(profile: str, seed: int, index: int) -> str:
    """Study Instance UID of patient `index`, known before anything is written."""
    return derived_uid(_name(profile, seed, index), "study")


def label_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:  # noqa: ARG001 - the same everywhere
    """One row: healthy, or the family of the lesion."""
    return [{"finding": FINDINGS[finding_of(index)]}]


def write_patient(dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:
    """Write patient `index` of (profile, seed): series folders under `dicom`, a mask to `truth`.

    The mask is uint8 on the grid of the transverse series: 0, or the family of the lesion (1 small bright, 2 mass with
    core, ring and oedema, 3 dark); all 0 of a healthy patient. Returns the number of DICOM files.
    """
    site, text = SITES[profile], _name(profile, seed, index)
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    who, grain, ill, scan = np.random.SeedSequence(entropy).spawn(4)
    random = np.random.default_rng(who)
    patient = invent(random)
    exam = _exam(patient, text, f"BR{profile[5].upper()}{seed:04}{index:04}", site, random)
    texture = Texture(np.random.default_rng(grain))
    gain = site.gain * random.uniform(0.8, 1.25) / (site.scanner.slope or 1)
    centre = patient.pose[:3, 3] + np.array([*random.uniform(-3, 3, size=2), 5])
    files = 0
    for series, noise in zip(_protocol(site, centre), scan.spawn(2), strict=True):
        lesions = np.random.default_rng(ill)
        grid, formed = series.grids[0], np.random.default_rng(noise)
        signal, labels, painted = render(grid, patient, site, series.acquisition, finding_of(index), texture, lesions)
        image = magnitude(signal, series.acquisition, formed)
        if site.stripped:
            image *= painted.depth + STRIPPED_MM * texture.coarse(painted.block, 0.5) > 0
        if series.acquisition is site.acquisition:
            write_label_map(truth, labels, grid)
        pixels = stored(image, gain, site.scanner.bits)
        files += write_series(
            dicom / f"{series.number:03}_{plain(series.description)}", exam, site.scanner, series, pixels
        )
    return files


def render(
    grid: Grid,
    patient: Patient,
    site: Site,
    acquisition: Acquisition,
    finding: int,
    texture: Texture,
    random: np.random.Generator,
) -> tuple[Array, NDArray[np.uint8], Painted]:
    """Noise-free signal and mask of a patient on a grid, [slice, row, column], and the shapes of the brain."""
    tissue = signals(acquisition)
    canvas = Canvas(grid, patient.pose, 1)
    painted = paint_brain(canvas, patient, tissue, texture)
    labels = paint_lesions(canvas, painted, patient, finding, tissue, texture, random)
    if not site.stripped:
        paint_skull(canvas, painted, tissue)
    return canvas.slices(), labels, painted


def _protocol(site: Site, centre: NDArray[np.float64]) -> tuple[Series, Series]:
    """A coarse T1-weighted series, and the one that is wanted, both about `centre` (LPS mm)."""
    field = site.matrix * site.pixel_mm
    short = Acquisition(site.acquisition.field_tesla, 550, 12, site.acquisition.shading, 0.006, 0.8)
    few = centred((8, 64, 64), field / 64, site.thickness_mm, 12.0, TRANSVERSE, centre)
    shape = (site.slices, site.matrix, site.matrix)
    grid = centred(shape, site.pixel_mm, site.thickness_mm, site.spacing_mm, TRANSVERSE, centre)
    kind = None if site.stripped else ("ORIGINAL", "PRIMARY", "M", "NORM")
    extra: dict[str, object] = {"EchoTrainLength": 16}
    if isinstance(site.acquisition, Inversion):
        extra |= {"ScanningSequence": ["SE", "IR"], "InversionTime": f"{site.acquisition.inversion_ms:g}"}
    return (
        Series(2, 120, site.t1, short, (few,), kind, extra={"EchoTrainLength": 1, "FlipAngle": "90"}),
        Series(4, 420, site.transverse, site.acquisition, (grid,), kind, extra=extra),
    )


def _exam(patient: Patient, uids: str, identifier: str, site: Site, random: np.random.Generator) -> Exam:
    given, former = random.choice(site.given_names, size=2, replace=False)
    day = date(2019, 1, 7) + timedelta(days=int(random.integers(0, 1900)))
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
    start, accession = int(random.integers(7 * 3600, 20 * 3600)), f"{random.integers(10**9, 10**10)}"
    return Exam(person, uids, f"{day:%Y%m%d}", start, accession, site.study, "BRAIN")


def _name(profile: str, seed: int, index: int) -> str:
    return f"fedbundle phantom brain_mri_anomaly {profile} {seed} {index}"
