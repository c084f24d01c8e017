"""What lies around the bones: muscle and fat of trunk and thighs, folds of skin, gas in the bowel."""

import numpy as np

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.chords import ball
from fedbundle.phantom.hip_radiograph_fracture.patient import Patient
from fedbundle.phantom.radiograph_beam import Frame
from fedbundle.phantom.radiograph_image import DENSITY, Film

STRUCTURE = 0.035
"""Standard deviation of the uneven thickness of soft parts, relative."""


def add_flesh(film: Film, patient: Patient, frame: Frame, random: np.random.Generator) -> None:
    """Project trunk and thighs, then take out what gas and folds displace, and what the bones do."""
    beam = film.beam
    focus, ray = beam.rays(frame, (slice(None), slice(None)))
    along = -focus[1] / ray[1]
    x, z = focus[0] + along * ray[0], focus[2] + along * ray[2]
    whole, lean = _depths(patient, x, z)
    soft = lean * (1 + np.float32(STRUCTURE) * clouds(x.shape, 2.6, random))
    soft += _muscles(patient, x, z)
    fat = np.clip(whole - lean, 0, None)
    for edge, width, height in _folds(patient, x, z, random):
        step = np.clip(edge / width + 0.5, 0, 1)
        fat += step * height * (whole > 20)
        fat -= np.exp(-((edge / (1.3 * width)) ** 2)) * np.minimum(0.5 * height, 0.6 * fat)
    soft -= _gas(film, patient, frame, random)
    film.mass["fat"] += np.clip(fat, 0, None) * np.float32(DENSITY["fat"] / 10)
    film.mass["soft"] += np.clip(soft, 0, None) * np.float32(DENSITY["soft"] / 10)
    displaced = film.mass["bone"] * np.float32(DENSITY["soft"] / DENSITY["bone"])
    film.mass["soft"] -= np.minimum(displaced, film.mass["soft"])


def _depths(patient: Patient, x: Array, z: Array) -> tuple[Array, Array]:
    """Thickness in mm of the body, and of what lies within its fat."""
    side = np.abs(x)
    half = patient.half_distance_mm + 80 * patient.size + patient.fat_mm
    waist = np.clip((z - 30) / 130, 0, 1)
    width = half - 22 * waist
    trunk = np.clip((z + 128) / 70, 0, 1)
    trunk = trunk * trunk * (3 - 2 * trunk)
    depths = []
    for skin in (0.0, patient.fat_mm):
        deep = patient.depth_mm * (1 - 0.05 * waist) - 0.9 * skin
        across = np.clip(1 - (side / (width - skin)) ** 2, 0, None)
        body = deep * across**0.32
        thigh_at = patient.half_distance_mm + 8 - 0.02 * (z + 60)
        thigh_half = np.where(side < thigh_at, thigh_at - 9, half - thigh_at) - 0.9 * skin
        thigh = deep * 0.92 * np.clip(1 - ((side - thigh_at) / thigh_half) ** 2, 0, None) ** 0.45
        depths.append(np.asarray(trunk * body + (1 - trunk) * thigh, np.float32))
    return depths[0], depths[1]


def _muscles(patient: Patient, x: Array, z: Array) -> Array:
    """Iliopsoas and gluteal muscles on both sides, with thin planes of fat between them, in mm."""
    side = np.abs(x) / np.float32(patient.size)
    height = z / np.float32(patient.size)
    psoas = np.exp(-(((side - (52 + 0.28 * (60 - height))) / 16) ** 2)) * np.clip((height + 60) / 60, 0, 1)
    gluteal = np.exp(-(((side - (118 - 0.12 * height)) / 20) ** 2 + ((height - 35) / 45) ** 2))
    plane = side - (107 + 0.16 * height)
    stripe = np.exp(-((plane / 1.6) ** 2)) * np.exp(-(((height - 22) / 34) ** 2))
    inner = side - (63 - 0.42 * height)
    psoas_stripe = np.exp(-((inner / 1.8) ** 2)) * np.exp(-(((height + 18) / 24) ** 2))
    return np.asarray(10 * psoas + 14 * gluteal - 9 * stripe - 7 * psoas_stripe, np.float32)


def _folds(patient: Patient, x: Array, z: Array, random: np.random.Generator) -> list[tuple[Array, float, float]]:
    """Edges of skin folds: signed distance in mm, softness, height in mm of fat above them."""
    folds = []
    heavy = np.clip((patient.fat_mm - 10) / 35, 0, 1)
    for side in (-1, 1):
        groin = random.uniform(-48, -8)
        slope = random.uniform(0.25, 0.75)
        lean = (z - groin) - slope * (side * x - patient.half_distance_mm)
        height = random.uniform(2, 7) + 9 * heavy * random.random()
        folds.append((np.asarray(lean, np.float32), float(random.uniform(1.2, 4)), float(height)))
    if random.random() < 0.6 * heavy:
        apron = z - random.uniform(-15, 60) - random.uniform(0.0006, 0.0022) * x**2
        folds.append((np.asarray(apron, np.float32), float(random.uniform(2, 6)), 4 + 9 * float(heavy)))
    return folds


def _gas(film: Film, patient: Patient, frame: Frame, random: np.random.Generator) -> Array:
    """Thickness in mm of gas in rectum and bowel."""
    total = np.zeros((film.beam.rows, film.beam.columns), np.float32)
    count = int(random.integers(2, 6) + 16 * patient.gas)
    place = np.array([random.uniform(-80, 80), 0, random.uniform(60, 120)])
    for n in range(count):
        if n % 5 == 0:
            place = np.array([random.uniform(-85, 85), random.uniform(-30, 20), random.uniform(50, 150)])
        place = place + random.normal(0, 11, 3)
        found = ball(film.beam, frame, place, float(random.uniform(7, 16)))
        if found is not None:
            np.maximum(total[found.window], found.length, out=total[found.window])
    for z in random.uniform(10, 35, 3) * (random.random() < 0.7):
        found = ball(film.beam, frame, (random.normal(0, 4), 40, z), float(random.uniform(9, 15)))
        if found is not None:
            np.maximum(total[found.window], found.length, out=total[found.window])
    return total


def clouds(shape: tuple[int, ...], slope: float, random: np.random.Generator) -> Array:
    """Noise with a power spectrum f^-slope, mean 0, standard deviation 1, [row, column]; what projected tissue shows.

    Burgess AE, Jacobson FL, Judy PF. Human observer detection experiments with mammograms and power-law noise. Med
    Phys 28:419 (2001).
    """
    rows, columns = shape
    squares = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(columns) ** 2
    squares[0, 0] = 1
    weight = squares ** (-slope / 4)
    weight[0, 0] = 0
    spectrum = np.fft.rfft2(random.standard_normal(shape, dtype=np.float32))
    noise = np.fft.irfft2(spectrum * weight.astype(np.float32), s=(rows, columns))
    return np.asarray(noise / noise.std(), np.float32)
