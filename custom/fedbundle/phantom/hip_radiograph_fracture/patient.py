"""What differs from one invented patient to the next: body, pelvis, two hips, and what has happened to them."""

from dataclasses import dataclass, field

import numpy as np

NONE, NECK, NECK_DISPLACED, INTERTROCHANTERIC, FIXATION, ARTHROPLASTY = range(6)
ACUTE = (NECK, NECK_DISPLACED, INTERTROCHANTERIC)
SIDES = ("R", "L")


@dataclass(frozen=True)
class Hip:
    """One proximal femur and its socket; lengths in mm, angles in degrees."""

    fracture: int
    """0 none, 1 femoral neck not displaced, 2 displaced, 3 intertrochanteric, 4 fixation, 5 arthroplasty."""
    head_mm: float
    """Radius of the head."""
    neck_shaft_degrees: float
    neck_length_mm: float
    """From the middle of the head to the axis of the shaft, along the neck (the neck's "moment arm")."""
    neck_mm: float
    """Radius of the neck where it is narrowest, seen from the front."""
    anteversion_degrees: float
    shaft_mm: float
    """Radius of the shaft below the lesser trochanter."""
    cortex_mm: float
    """Thickness of the shaft's cortex 120 mm below the middle of the head; all other cortices go with it."""
    density: float
    """Bone in the cancellous parts, relative to a healthy person of 40."""
    joint_space_mm: float
    turn_degrees: float
    """Internal rotation of the leg; 15 lays the neck parallel to the film, an injured leg lies turned outwards."""
    adduction_degrees: float
    severity: float
    """0..1: how far fragments have moved, or how plain a line is."""
    variant: float
    """0..1: which of several kinds of implant, or where exactly a fracture runs."""
    grain: int
    """Seed of what is drawn when the hip is shown: roughness of fractures, texture of its bone."""


@dataclass(frozen=True)
class Patient:
    """One body; axes of its pelvis LPS (x to the left, y to the back, z to the head), origin between both heads."""

    age_years: int
    sex: str
    height_m: float
    weight_kg: float
    size: float
    """Of the pelvis, relative to the average."""
    width: float
    """Of the pelvis against its height; wide in women."""
    half_distance_mm: float
    """From the middle line to each femoral head."""
    mineral: float
    """Of the pelvis and the spine, relative to a healthy person of 40."""
    rotation_degrees: float
    """About the body's long axis; positive lifts the right side off the table."""
    tilt_degrees: float
    """About the axis through both heads; positive opens the pelvic inlet to the film."""
    list_degrees: float
    """About the beam: the trunk bends to one side."""
    fat_mm: float
    """Below the skin at the side."""
    depth_mm: float
    """Of the body from front to back, at the hips."""
    gas: float
    """How much gas the bowel holds, 0..1."""
    hips: tuple[Hip, Hip] = field(repr=False)
    """Right, left."""


@dataclass(frozen=True)
class Population:
    """Whom a hospital sees."""

    age_years: tuple[float, float]
    """Mean and standard deviation."""
    women: float
    """Share, 0..1."""
    mass_index: tuple[float, float]
    """Mean and standard deviation, kg/m2."""
    density: float
    """Factor on the bone that age and sex let expect."""
    fractures: tuple[float, float, float, float, float, float]
    """Shares of the six classes among hips, before one of two fresh fractures in a body is taken back."""
    malposition: float
    """Factor on how far patients lie off the ideal."""
    subtle: float = 0.5
    """How slight fractures without displacement are, 0 plain .. 1 hardly visible."""


def invent(random: np.random.Generator, people: Population) -> Patient:
    """Draw a patient."""
    woman = bool(random.random() < people.women)
    age = int(np.clip(random.normal(*people.age_years), 25, 99))
    height = float(random.normal(1.63 if woman else 1.76, 0.065))
    index = float(np.clip(random.normal(*people.mass_index), 17, 42))
    general = expected_density(age, woman) * people.density * float(np.exp(random.normal(0, 0.13)))
    off = people.malposition
    width = float((1.03 if woman else 0.98) * random.uniform(0.98, 1.02))
    size = height / (1.65 if woman else 1.75) * (0.96 if woman else 1.03) * random.uniform(0.97, 1.03)
    classes = _classes(random, people)
    shared = random.normal(size=6)
    hips = tuple(_hip(random, shared, classes[n], woman, size, age, general, people) for n in range(2))
    return Patient(
        age_years=age,
        sex="F" if woman else "M",
        height_m=round(height, 2),
        weight_kg=round(index * height**2, 1),
        size=float(size),
        width=width,
        half_distance_mm=float(87 * size * width),
        mineral=float(general),
        rotation_degrees=float(random.normal(0, 3.0 * off)),
        tilt_degrees=float(random.normal(2, 5.0 * off)),
        list_degrees=float(random.normal(0, 1.8 * off)),
        fat_mm=float(np.clip(14 + 2.6 * (index - 22) + (6 if woman else 0), 8, 70)),
        depth_mm=float(np.clip(168 + 7.0 * (index - 22), 150, 300)),
        gas=float(random.uniform(0.0, 1.0)),
        hips=(hips[0], hips[1]),
    )


def expected_density(age_years: float, woman: bool) -> float:
    """Mean bone of the proximal femur relative to 40 years, about as in NHANES III (Looker et al. 1998)."""
    lost = 0.0040 * max(0.0, age_years - 40) + (0.0035 * max(0.0, min(age_years, 70) - 50) if woman else 0.0)
    return (0.94 if woman else 1.0) * (1 - lost)


def _classes(random: np.random.Generator, people: Population) -> list[int]:
    shares = np.array(people.fractures) / np.sum(people.fractures)
    classes = random.choice(len(shares), size=2, p=shares).tolist()
    healed = int(random.integers(2))
    if classes[0] in ACUTE and classes[1] in ACUTE:
        classes[healed] = NONE
    return [int(value) for value in classes]


def _hip(
    random: np.random.Generator,
    shared: np.ndarray,
    fracture: int,
    woman: bool,
    size: float,
    age: int,
    general: float,
    people: Population,
) -> Hip:
    """Both hips of a body are alike: three quarters of the variance is shared."""

    def normal(n: int, mean: float, deviation: float) -> float:
        return float(mean + deviation * (0.87 * shared[n] + 0.5 * random.normal()))

    density = general * float(np.exp(random.normal(0, 0.05))) * (0.9 if fracture in ACUTE else 1.0)
    head = normal(0, 24.3 * size, 0.8)
    worn = max(0.0, random.normal(0.25 + 0.012 * (age - 60), 0.4))
    turn = normal(5, 8, 9 * people.malposition)
    severity = float(random.beta(1.6, 1.6))
    outwards = {NECK: 2 + 6 * severity, NECK_DISPLACED: 22 + 22 * severity, INTERTROCHANTERIC: 18 + 26 * severity}
    return Hip(
        fracture=fracture,
        head_mm=head,
        neck_shaft_degrees=float(np.clip(normal(1, 129 if not woman else 127.5, 5.5), 114, 145)),
        neck_length_mm=normal(2, 53 * size, 3.2),
        neck_mm=head * float(np.clip(normal(3, 0.655, 0.022), 0.58, 0.72)),
        anteversion_degrees=float(np.clip(normal(4, 13, 7), -5, 32)),
        shaft_mm=normal(5, 14.6 * size, 0.8),
        cortex_mm=float(np.clip(7.0 * size * density**0.6 * np.exp(random.normal(0, 0.06)), 2.4, 9.5)),
        density=float(np.clip(density, 0.3, 1.4)),
        joint_space_mm=float(np.clip(4.2 - 1.6 * worn, 0.8, 5.0)),
        turn_degrees=float(np.clip(turn, -30, 30)) - outwards.get(fracture, 0.0),
        adduction_degrees=float(random.normal(5, 2.5 * people.malposition)),
        severity=severity * (1 - 0.7 * people.subtle) + 0.1 if fracture == NECK else severity,
        variant=float(random.random()),
        grain=int(random.integers(2**31)),
    )
