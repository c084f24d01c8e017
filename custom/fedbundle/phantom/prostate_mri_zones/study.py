"""One invented man's study: localizer, sagittal T2, transverse T2, and the truth on the transverse grid."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbundle.phantom.canvas import Canvas, Grid, rotation
from fedbundle.phantom.dicom_study import derived_uid, plain
from fedbundle.phantom.label_map import write_label_map
from fedbundle.phantom.male_pelvis.exam import invent_exam
from fedbundle.phantom.male_pelvis.gland import paint_gland, zone_labels
from fedbundle.phantom.male_pelvis.patient import Patient, invent
from fedbundle.phantom.male_pelvis.pelvis import paint_pelvis
from fedbundle.phantom.male_pelvis.tissues import signals
from fedbundle.phantom.mr_dicom import Series, write_series
from fedbundle.phantom.mr_image import Acquisition, magnitude, stored
from fedbundle.phantom.prostate_mri_zones.sites import SITES, Site
from fedbundle.phantom.slices import CORONAL, SAGITTAL, TRANSVERSE, centred
from fedbundle.phantom.texture import Texture

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
    identifier = f"PH{profile[-1].upper()}{seed:04}{index:04}"
    exam = invent_exam(man, text, identifier, site.given_names, site.study, random)
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
                write_label_map(truth, labels, grid)
        pixels = stored(np.concatenate(images), gain, site.scanner.bits)
        folder = dicom / f"{series.number:03}_{plain(series.description)}"
        files += write_series(folder, exam, site.scanner, series, pixels)
    return files


def _protocol(site: Site, centre: NDArray[np.float64], random: np.random.Generator) -> tuple[Series, Series, Series]:
    """Three-plane localizer, sagittal T2, transverse T2, all about `centre` (LPS mm)."""
    first, step = site.first_number, 1 if site.first_number < 100 else 100
    scout = Acquisition(site.acquisition.field_tesla, 900, 60, shading=0.3, noise=0.03, resolution=0.9)
    gradient_echo = {"ScanningSequence": "GR", "SequenceVariant": "SP", "EchoTrainLength": 1, "FlipAngle": "20"}
    planes = tuple(centred((1, 64, 64), 5.0, 8, 8, plane, centre) for plane in (TRANSVERSE, SAGITTAL, CORONAL))
    side = centred((9, 112, 112), 1.5, site.thickness_mm, site.thickness_mm * 1.4, SAGITTAL, centre)
    oblique = site.tilt_degrees[1] > 0
    turn = rotation(random.uniform(*site.tilt_degrees), *(oblique * random.normal(0, 1.5, size=2)))
    shape = (site.slices, site.matrix, site.matrix)
    across = centred(shape, site.pixel_mm, site.thickness_mm, site.spacing_mm, turn, centre)
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
