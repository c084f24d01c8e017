"""Do the slices of a series form one regular stack? One check per reason code, in LPS and mm.

A check returns why it refuses, or "" when it finds nothing. The checks rely on `objects`: every slice has a sound
plane.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from fedbundle.dicom.geometry import Array, Plane, distances
from fedbundle.dicom.header import codes, number, text, values
from fedbundle.dicom.series import Series

Check = Callable[[Series], str]
ORIENTATION_TOLERANCE = 1e-4  # per direction cosine
STEP_TOLERANCE = 0.05  # of one step; a sound PET series was seen at 0.024
SHEAR_TOLERANCE_MM = 0.1  # sideways drift over the whole stack
ECHO_TOLERANCE = 0.01  # relative
TILT_TOLERANCE_DEGREES = 0.1
TEMPORAL = "TemporalPositionIdentifier"
PIXEL_FORMAT = ("BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation")


def _planes(series: Series) -> list[Plane]:
    return [found for found in series.planes if found is not None]


def _steps(series: Series) -> Array:
    return np.asarray(np.diff(distances(_planes(series))), dtype=np.float64)


def _same(names: Sequence[str], what: str) -> Check:
    """A check that refuses when these attributes are not the same in all slices."""

    def check(series: Series) -> str:
        kinds = {tuple(values(header, name) for name in names) for header, _ in series.kinds(*names)}
        return f"{len(kinds)} {what}" if len(kinds) > 1 else ""

    return check


def _mixed_spacing(series: Series) -> str:
    kinds = {tuple(round(mm, 4) for mm in found.spacing) for found in _planes(series)}
    return f"{len(kinds)} pixel spacings" if len(kinds) > 1 else ""


def _mixed_orientation(series: Series) -> str:
    cosines = np.array([np.concatenate([found.along_row, found.along_column]) for found in _planes(series)])
    spread = float(np.ptp(cosines, axis=0).max())
    return f"direction cosines differ by up to {spread:.4f}" if spread > ORIENTATION_TOLERANCE else ""


def _multi_b(series: Series) -> str:
    found = set(series.b_values)
    told = ", ".join(f"{b:g}" for b in sorted(b for b in found if b is not None))
    return f"b-values {told}{' and none' if None in found else ''} in one series" if len(found) > 1 else ""


def _multi_echo(series: Series) -> str:
    times = [time for header, _ in series.kinds("EchoTime") if (time := number(header, "EchoTime")) is not None]
    spread = max(times, default=0) - min(times, default=0)
    told = f"echo times from {min(times, default=0):g} to {max(times, default=0):g} ms"
    return told if spread > ECHO_TOLERANCE * max(times, default=0) else ""


def _places(series: Series) -> list[int]:
    """How many slices lie at each place along the normal."""
    return list(Counter(series.places).values())


def _multi_time(series: Series) -> str:
    if max(_places(series), default=0) < 2:
        return ""
    times = {number(header, TEMPORAL) for header, _ in series.kinds(TEMPORAL)}
    return f"{len(times)} temporal positions in one series" if len(times) > 1 else ""


def _mixed_series(series: Series) -> str:
    for name, what in (("Modality", "modalities"), ("SOPClassUID", "SOP classes"), ("ImageType", "Image Types")):
        kinds = {codes(header, name) for header, _ in series.kinds(name)}
        if len(kinds) > 1:
            return f"{len(kinds)} {what} in one series"
    return ""


def _repeated_positions(series: Series) -> str:
    places = _places(series)
    every = set(places) != {1} and len(set(places)) == 1
    return f"{len(places)} positions with {places[0]} images each" if every else ""


def _duplicate_slice(series: Series) -> str:
    doubled = sum(count > 1 for count in _places(series))
    return f"{doubled} positions hold more than one slice" if doubled else ""


def _missing_slice(series: Series) -> str:
    steps = _steps(series)
    if not steps.size:
        return ""
    step = float(steps.min())
    multiples = np.round(steps / step)
    missing = int((multiples - 1).sum())
    if not missing or np.abs(steps - step * multiples).max() > STEP_TOLERANCE * step:
        return ""
    return f"{missing} missing among {len(steps) + 1}: a step of {steps.max():.2f} mm where others are {step:.2f} mm"


def _unequal_steps(series: Series) -> str:
    along = distances(_planes(series))
    regular = np.linspace(along[0], along[-1], len(along))
    step = float(along[-1] - along[0]) / max(1, len(along) - 1)
    if np.abs(along - regular).max() <= STEP_TOLERANCE * step:
        return ""
    steps = np.diff(along)
    return f"steps from {steps.min():.3f} to {steps.max():.3f} mm"


def _sideways(series: Series) -> float:
    planes = _planes(series)
    way = planes[-1].position - planes[0].position
    return float(np.linalg.norm(way - (way @ planes[0].normal) * planes[0].normal))


def _tilted(series: Series) -> str:
    angles = [number(header, "GantryDetectorTilt") or 0.0 for header, _ in series.kinds("GantryDetectorTilt")]
    angle = max(angles, key=abs)
    if abs(angle) > TILT_TOLERANCE_DEGREES:
        return f"the gantry was tilted by {angle:g} degrees"
    return _sheared(series) if text(series.first, "Modality") == "CT" else ""


def _sheared(series: Series) -> str:
    sideways = _sideways(series)
    return f"the stack drifts sideways by {sideways:.2f} mm" if sideways > SHEAR_TOLERANCE_MM else ""


KIND_CHECKS: dict[str, Check] = {
    "MIXED_FRAME_OF_REFERENCE": _same(["FrameOfReferenceUID"], "frames of reference"),
    "MIXED_ORIENTATION": _mixed_orientation,
    "MIXED_MATRIX": _same(["Rows", "Columns"], "matrix sizes"),
    "MIXED_PIXEL_SPACING": _mixed_spacing,
    "MIXED_PIXEL_FORMAT": _same(PIXEL_FORMAT, "pixel formats"),
    "MULTI_B_VALUE": _multi_b,
    "MULTI_ECHO": _multi_echo,
    "MULTI_TIME": _multi_time,
    "MIXED_SERIES": _mixed_series,
    "REPEATED_POSITIONS": _repeated_positions,
    "DUPLICATE_SLICE": _duplicate_slice,
}
STEP_CHECKS: dict[str, Check] = {
    "MISSING_SLICE": _missing_slice,
    "UNEQUAL_SLICE_SPACING": _unequal_steps,
    "GANTRY_TILT": _tilted,
    "SHEARED_STACK": _sheared,
}
