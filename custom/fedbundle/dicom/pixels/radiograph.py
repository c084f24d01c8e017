"""What a radiograph tells of its scale, side and display, in words of closed lists."""

from typing import Any

from pydicom.dataset import Dataset

from fedbundle.dicom.gate.objects import COLOURS, GREY
from fedbundle.dicom.gate.rules import detector_spacing_mm
from fedbundle.dicom.header import items, number, numbers, text
from fedbundle.dicom.pixels.displayed import view_of

SIDES = {"R": "right", "L": "left", "U": "unpaired", "B": "both"}  # PS3.3 C.7.3.1.1.1, C.8.11.1.1
# modifier of the anatomic region (CID 244): SNOMED CT, SRT
CODED_SIDES = {
    ("24028007", "SCT"): "right",
    ("7771000", "SCT"): "left",
    ("51440002", "SCT"): "both",
    ("G-A100", "SRT"): "right",
    ("G-A101", "SRT"): "left",
    ("G-A102", "SRT"): "both",
}
CALIBRATED = {"GEOMETRY": "calibrated by geometry", "FIDUCIAL": "calibrated by a fiducial"}
VIEWS = frozenset(["AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "CC", "MLO", "LM", "ML"])
CONTRADICTORY = "contradictory"


def told_of(header: Dataset) -> dict[str, Any]:
    """Scale, side, view and display of one radiograph; absent values are left out."""
    spacing = detector_spacing_mm(header)
    told: dict[str, Any] = {"pixel_spacing_mm": [round(mm, 4) for mm in reversed(spacing)]} if spacing else {}
    told["pixel_spacing_of"] = spacing_of(header)
    told["magnification"] = number(header, "EstimatedRadiographicMagnificationFactor")
    told["laterality"] = laterality(header)
    view = text(header, "ViewPosition").upper()
    told["view"] = view if view in VIEWS else "other" if view else ""
    kind = text(header, "PhotometricInterpretation")
    told["photometric"] = kind if kind in GREY | COLOURS else "other"
    return told | view_of(header)


def spacing_of(header: Dataset) -> str:
    """Where the pixel spacing was measured (PS3.3 10.7.1.3): in the patient or at the detector; "" without one.

    At the detector an object looks larger than it is, by the geometric magnification.
    """
    named, imager = (numbers(header, name, 2) for name in ("PixelSpacing", "ImagerPixelSpacing"))
    if named is None:
        return "detector" if imager else ""
    kind = text(header, "PixelSpacingCalibrationType").upper()
    if kind:
        return CALIBRATED.get(kind, "calibrated, unknown how")
    if imager is None:
        scanned = numbers(header, "NominalScannedPixelSpacing", 2)
        return "scanned film" if scanned else "unknown"
    return "detector" if named == imager else "calibrated, unknown how"


def laterality(header: Dataset) -> str:
    """Side of the body by image, series, frame and coded anatomy; "contradictory" where they differ, "" where none."""
    found = [SIDES.get(text(header, name).upper(), "") for name in ("ImageLaterality", "Laterality")]
    found += [
        SIDES.get(text(item, "FrameLaterality").upper(), "")
        for group in items(header, "SharedFunctionalGroupsSequence")[:1]
        for item in items(group, "FrameAnatomySequence")
    ]
    found += [
        CODED_SIDES.get((text(code, "CodeValue"), text(code, "CodingSchemeDesignator")), "")
        for region in items(header, "AnatomicRegionSequence")
        for code in items(region, "AnatomicRegionModifierSequence")
    ]
    sides = set(found) - {""}
    return sides.pop() if len(sides) == 1 else CONTRADICTORY if sides else ""
