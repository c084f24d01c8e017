"""One invented man's study: localizer, sagittal T2, transverse T2, and the truth on the transverse grid."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Canvas, Grid, rotation
from fedbundle.phantom.dicom_study import Exam, Person, derived_uid
from fedbundle.phantom.mr_dicom import Series, write_series
from fedbundle.phantom.mr_image import Acquisition, magnitude, stored
from fedbundle.phantom.prostate_mri_zones.gland import paint_gland, zone_labels
from fedbundle.phantom.prostate_mri_zones.patient import Patient, invent
from fedbundle.phantom.prostate_mri_zones.pelvis import paint_pelvis
from fedbundle.phantom.prostate_mri_zones.sites import SITES, Site
from fedbundle.phantom.prostate_mri_zones.tissues import signals
from fedbundle.phantom.slices import printable
from fedbundle.phantom.texture import Texture

TRANSVERSE = np.eye(3)
SAGITTAL = np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""3x3, columns = directions of column index, row index and slice index in LPS."""

SUB_SLICES = 2


def study_uid(profile: str, seed: int, index: int) -> str:
    """Study Instance UID of patient `index`, known before anything is written."""
    return derived_uid(_name(profile, seed, index), "study")


def label_rows(profile: str, seed: int, index: int) -> list[dict[str, str]]:  # noqa: ARG001 - the same for all
    """One row; the mask is all that is known."""
    return [{}]


def write_patient(dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:
    """Write patient `index` of (profile, seed): series folders under `dicom`, a label map to `truth`.

    The label map is uint8 on the grid of the transverse T2: 0 background, 1 transition zone (with the anterior
    fibromuscular stroma), 2 peripheral zone. Returns the number of DICOM files.
    """
    site = SITES[profile]
    text = _name(profile, seed, index)
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    who, grain, shape, scan = np.random.SeedSequence(entropy).spawn(4)
    random = np.random.default_rng(who)
    man = invent(random)
    exam = _exam(site, man, text, f"PH{profile[-1].upper()}{seed:04}{index:04}", random)
    *decoys, wanted = _protocol(site, man.pose[:3, 3] + random.uniform(-4, 4, size=3), random)
    gain = site.gain * random.uniform(0.8, 1.25) / (site.scanner.slope or 1)
    texture = Texture(np.random.default_rng(grain))
    files = 0
    for series, noise in zip((*decoys, wanted), scan.spawn(3), strict=True):
        random = np.random.default_rng(noise)
        images = []
        for grid in series.grids:
            shapes = np.random.default_rng(shape)
            samples = SUB_SLICES if series is wanted else 1
            image, labels = render(grid, man, series.acquisition, texture, shapes, samples)
            images.append(magnitude(image, series.acquisition, random))
            if series is wanted:
                _write_truth(truth, labels, grid)
        pixels = stored(np.concatenate(images), gain, site.scanner.bits)
        folder = dicom / f"{series.number:03}_{_plain(series.description)}"
        files += write_series(folder, exam, site.scanner, series, pixels)
    return files


def _protocol(site: Site, centre: NDArray[np.float64], random: np.random.Generator) -> tuple[Series, Series, Series]:
    """Three-plane localizer, sagittal T2, transverse T2, all about `centre` (LPS mm)."""
    first, step = site.first_number, 1 if site.first_number < 100 else 100
    scout = Acquisition(site.acquisition.field_tesla, 900, 60, shading=0.3, noise=0.03, resolution=0.9)
    gradient_echo = {"ScanningSequence": "GR", "SequenceVariant": "SP", "EchoTrainLength": 1, "FlipAngle": "20"}
    planes = tuple(_grid((1, 64, 64), 5.0, 8, 8, plane, centre) for plane in (TRANSVERSE, SAGITTAL, CORONAL))
    side = _grid((9, 112, 112), 1.5, site.thickness_mm, site.thickness_mm * 1.4, SAGITTAL, centre)
    oblique = site.tilt_degrees[1] > 0
    turn = rotation(random.uniform(*site.tilt_degrees), *(oblique * random.normal(0, 1.5, size=2)))
    shape = (site.slices, site.matrix, site.matrix)
    across = _grid(shape, site.pixel_mm, site.thickness_mm, site.spacing_mm, turn, centre)
    return (
        Series(first, 60, site.localizer, scout, planes, site.localizer_type, extra=gradient_echo),
        Series(first + step, 180, site.sagittal, site.acquisition, (side,)),
        Series(
            first + 2 * step, 480, site.transverse, site.acquisition, (across,), reverse_numbers=site.reverse_numbers
        ),
    )


def render(
    grid: Grid, man: Patient, acquisition: Acquisition, texture: Texture, shapes: np.random.Generator, samples: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Noise-free signal (float32) and labels (uint8) of a man on a grid, both [slice, row, column].

    The gland is averaged over `samples` sub-slices of each slice; what surrounds it has soft edges instead.
    """
    tissue = signals(acquisition)
    pelvis = Canvas(grid, man.pose, 1)
    paint_pelvis(pelvis, man, tissue, texture, shapes)
    canvas = Canvas(grid, man.pose, samples)
    canvas.signal[:] = np.repeat(pelvis.signal, samples, axis=0)
    zones = paint_gland(canvas, man, tissue, texture, shapes)
    return canvas.slices(), zone_labels(canvas, zones, grid.shape)


def _name(profile: str, seed: int, index: int) -> str:
    return f"fedbundle phantom prostate_mri_zones {profile} {seed} {index}"


def _plain(description: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in description)


def _grid(
    shape: tuple[int, int, int],
    pixel_mm: float,
    thickness_mm: float,
    spacing_mm: float,
    plane: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = plane * (pixel_mm, pixel_mm, spacing_mm)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, printable(affine), thickness_mm)


def _exam(site: Site, man: Patient, text: str, identifier: str, random: np.random.Generator) -> Exam:
    given, former = random.choice(site.given_names, size=2, replace=False)
    day = date(2019, 1, 7) + timedelta(days=int(random.integers(0, 1900)))
    born = day - timedelta(days=int(man.age_years * 365.25 + random.integers(5, 355)))
    person = Person(
        name=f"PHANTOM^{given}^{identifier}",
        former_name=f"PHANTOM-FORMER^{former}^{identifier}",
        identifier=identifier,
        birth_date=f"{born:%Y%m%d}",
        age_years=man.age_years,
        height_m=man.height_m,
        weight_kg=man.weight_kg,
    )
    start = int(random.integers(7 * 3600, 20 * 3600))
    accession = f"{random.integers(10**9, 10**10)}"
    return Exam(person, text, f"{day:%Y%m%d}", start, accession, site.study, "PROSTATE")


def _write_truth(path: Path, labels: NDArray[np.uint8], grid: Grid) -> None:
    """NIfTI is RAS+, voxel order (column, row, slice): x and y change sign."""
    image = nib.Nifti1Image(np.ascontiguousarray(labels.transpose(2, 1, 0)), np.diag([-1.0, -1, 1, 1]) @ grid.affine)
    image.set_qform(image.affine, code=1)
    image.set_sform(image.affine, code=1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
