"""What may be told of a series in a log: numbers and vendor names from a closed list, never text of the hospital."""

from typing import Any

from fedbundle.dicom.gate.objects import is_projection
from fedbundle.dicom.gate.rules import slice_step_mm
from fedbundle.dicom.geometry import nearest_plane
from fedbundle.dicom.header import number, text, tolerant
from fedbundle.dicom.pixels.radiograph import told_of
from fedbundle.dicom.series import Series

# as the vendors write Manufacturer (0008,0070), lower case -> how we write it
VENDORS = {
    "siemens": "Siemens",
    "philips": "Philips",
    "ge ": "GE",
    "ge-": "GE",
    "general electric": "GE",
    "canon": "Canon",
    "toshiba": "Toshiba",
    "hitachi": "Hitachi",
    "fujifilm": "Fujifilm",
    "uih": "United Imaging",
    "united imaging": "United Imaging",
    "hologic": "Hologic",
    "agfa": "Agfa",
    "carestream": "Carestream",
    "samsung": "Samsung",
}
# scanner families; a model outside the list is told as "other"
MODELS = """
Achieva Aera Altea Ambition Amira Architect Artist Avanto Biograph Biograph_mMR Cima Discovery Elition Espree Essenza
Explorer Free.Max Galan Harmony HDxt Hero Ingenia Intera Lumina Optima Orian Prisma Prisma_fit Premier Sempra Signa
Skyra Skyra_fit Sola Sonata Spectra Symphony Terra Trio TrioTim Verio Vida Voyager
"""
MODEL_NAMES = {name.lower(): name for name in MODELS.split()}
NUMBERS = {
    "field_strength_t": "MagneticFieldStrength",
    "echo_time_ms": "EchoTime",
    "repetition_time_ms": "RepetitionTime",
    "flip_angle_degrees": "FlipAngle",
    "slice_thickness_mm": "SliceThickness",
}


def technical(series: Series) -> dict[str, Any]:
    """Vendor, scanner family, field strength, timing and grid (mm); absent values are left out."""
    first = series.first
    with tolerant():
        told: dict[str, Any] = {"manufacturer": _vendor(text(first, "Manufacturer"))}
        told["model"] = _model(text(first, "ManufacturerModelName"))
        told |= {name: number(first, keyword) for name, keyword in NUMBERS.items()}
        told["matrix"] = [int(number(first, "Columns") or 0), int(number(first, "Rows") or 0)]
        told["slices"] = len(series.headers)
        told |= told_of(first) if is_projection(series) else {}
    if (found := series.planes[0]) is not None:
        name, angle = nearest_plane(found.normal) if found.sound else ("unknown", 0.0)
        told["orientation"], told["oblique_degrees"] = name, round(angle)
        told["pixel_spacing_mm"] = [round(mm, 4) for mm in reversed(found.spacing)]
        step = slice_step_mm(series)
        told["slice_step_mm"] = None if step is None else round(step, 4)
    return {name: value for name, value in told.items() if value not in (None, "")}


def _vendor(manufacturer: str) -> str:
    spoken = f"{manufacturer.lower()} "
    return next((name for start, name in VENDORS.items() if spoken.startswith(start)), "other" if manufacturer else "")


def _model(model: str) -> str:
    words = model.lower().split()
    return next((MODEL_NAMES[word] for word in words if word in MODEL_NAMES), "other" if words else "")
