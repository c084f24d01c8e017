"""Synthetic radiographs as DICOM files: Digital X-Ray (PS3.3 A.26) and Computed Radiography (A.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation

from fedbundle.phantom.canvas import Array
from fedbundle.phantom.dicom_study import Exam, Machine, series_header, write_instances

WINDOW, SIGMOID, TABLE, NO_VOI = "window", "sigmoid", "table", "none"
LEAST, MOST = 0.004, 0.996
"""P-Values that a sigmoid window can give."""
TABLE_BITS = 12
REGIONS = {
    "PELVIS": ("816092008", "Pelvis"),
    "HIP": ("24136001", "Hip joint"),
    "CHEST": ("816094009", "Chest"),
}
"""Body Part Examined -> SNOMED CT code and meaning of its Anatomic Region (PS3.16 Annex L)."""
SIDES = {"R": ("24028007", "Right"), "L": ("7771000", "Left")}
"""Image Laterality -> modifier of the region (CID 244)."""
VIEWS = {
    "AP": ("399348003", "antero-posterior"),
    "PA": ("272479007", "postero-anterior"),
    "LL": ("399173006", "left lateral"),
}
"""View Position -> code and meaning (CID 4010)."""


@dataclass(frozen=True)
class Display:
    """How P-Values are stored and by which attributes a screen finds them again."""

    photometric: str
    """MONOCHROME1 or MONOCHROME2."""
    bits: int
    """Bits Stored, 8 to 16."""
    voi: str
    """WINDOW (linear), SIGMOID, TABLE (VOI LUT Sequence) or NO_VOI."""


@dataclass(frozen=True)
class Unit(Machine):
    """A radiographic unit and how its vendor fills the header."""

    modality: str
    """DX or CR."""
    display: Display
    calibrated: bool
    """Pixel Spacing is that in the patient, by the geometry of the beam; else that at the detector."""
    focus_mm: float
    """Distance from source to detector."""
    kilovolts: int
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """One radiograph."""

    number: int
    start_s: int
    """Seconds after the start of the exam."""
    description: str
    body_part: str
    position: str
    """View Position (0018,5101)."""
    laterality: str
    """Image Laterality (0020,0062): R, L, B, or U where sides do not matter."""
    pixel_mm: float
    """At the detector."""
    magnification: float
    """Of what the view is about."""
    shutter: tuple[int, int, int, int] | None = None
    """First and last column, first and last row that a screen shall show, counted from 0; None = all (C.7.6.11)."""
    orientation: tuple[str, str] = ("L", "F")
    """Patient Orientation (0020,0020)."""


def write_view(folder: Path, exam: Exam, unit: Unit, view: View, shown: Array) -> int:
    """Write one radiograph as `0001.dcm`; returns the number of files.

    Args:
        folder: of the series; does not exist yet.
        exam: the study.
        unit: what made it.
        view: what it shows.
        shown: P-Values [row, column], 0 black .. 1 white.
    """
    header = _header(exam, unit, view)
    stored = add_display(header, unit.display, shown)
    own = Dataset()
    own.SOPInstanceUID, own.InstanceNumber = exam.uid(view.number, 1), 1
    own.Rows, own.Columns = shown.shape
    own.add_new("PixelData", "OW", stored.astype("<u2").tobytes())
    return write_instances(folder, header, [own])


def add_display(d: Dataset, display: Display, shown: Array) -> NDArray[np.uint16]:
    """Stored values [row, column] of P-Values, and in `d` what turns them back (PS3.3 C.11.2, C.7.6.3.1.2)."""
    inverse = display.photometric == "MONOCHROME1"
    wanted = np.clip(1 - shown if inverse else shown, 0, 1)  # what the VOI transformation shall give
    top = 2**display.bits - 1
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, display.photometric, 0
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, display.bits, display.bits - 1
    d.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    if display.voi == WINDOW:
        low, high = round(0.06 * top), round(0.9 * top)
        d.WindowCenter, d.WindowWidth = f"{(low + high + 1) / 2:g}", f"{high - low + 1}"
        stored = low + wanted * (high - low)
    elif display.voi == SIGMOID:
        center, width = round(0.5 * top), round(0.34 * top)
        d.WindowCenter, d.WindowWidth, d.VOILUTFunction = f"{center}", f"{width}", "SIGMOID"
        wanted = np.clip(wanted, LEAST, MOST)
        stored = center + width / 4 * np.log(wanted / (1 - wanted))
    elif display.voi == TABLE:
        curve = _curve(np.arange(top + 1) / top)
        stored = np.interp(wanted, curve, np.arange(top + 1))
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [top + 1, 0, TABLE_BITS])
        item.LUTExplanation = "NORMAL"
        item.add_new("LUTData", "OW", np.rint(curve * (2**TABLE_BITS - 1)).astype("<u2").tobytes())
        d.VOILUTSequence = Sequence([item])
    else:
        stored = wanted * top
    return np.asarray(np.clip(np.rint(stored), 0, top), np.uint16)


def _curve(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """A film-like curve from 0 to 1, strictly rising: toe, straight part, shoulder."""
    steep = 1 / (1 + np.exp(-7.0 * (share - 0.45)))
    return np.asarray((steep - steep[0]) / (steep[-1] - steep[0]), np.float64)


def _header(exam: Exam, unit: Unit, view: View) -> Dataset:
    digital = unit.modality == "DX"
    storage = DigitalXRayImageStorageForPresentation if digital else ComputedRadiographyImageStorage
    d = series_header(exam, unit, unit.modality, storage, view.number, view.start_s)
    d.SeriesDescription = d.ProtocolName = view.description
    d.BodyPartExamined, d.ViewPosition = view.body_part, view.position
    d.ImageType = ["DERIVED", "PRIMARY", ""] if digital else ["ORIGINAL", "PRIMARY"]
    d.AcquisitionTime = d.ContentTime = exam.clock(view.start_s + 2)
    d.AcquisitionNumber = 1
    d.PatientOrientation = list(view.orientation)
    d.ImagerPixelSpacing = [f"{view.pixel_mm:.6g}"] * 2
    if unit.calibrated:
        d.PixelSpacing = [f"{view.pixel_mm / view.magnification:.6g}"] * 2
        d.PixelSpacingCalibrationType = "GEOMETRY"
        d.PixelSpacingCalibrationDescription = "Distances of source, table and detector"
        d.EstimatedRadiographicMagnificationFactor = f"{view.magnification:.6g}"
    elif not digital:
        d.PixelSpacing = [f"{view.pixel_mm:.6g}"] * 2
    d.KVP = f"{unit.kilovolts}"
    d.DistanceSourceToDetector = f"{unit.focus_mm:g}"
    d.DistanceSourceToPatient = f"{unit.focus_mm / view.magnification:.6g}"
    d.ExposureTime, d.XRayTubeCurrent, d.Exposure = "80", "250", "20"
    d.BurnedInAnnotation = "NO"
    d.LossyImageCompression = "00"
    if digital:
        _add_digital(d, unit, view)
    elif view.laterality in "RL":
        d.ImageLaterality = view.laterality
    if view.shutter is not None:
        d.ShutterShape, d.ShutterPresentationValue = "RECTANGULAR", 0
        left, right, upper, lower = (edge + 1 for edge in view.shutter)  # DICOM counts from 1
        d.ShutterLeftVerticalEdge, d.ShutterRightVerticalEdge = left, right
        d.ShutterUpperHorizontalEdge, d.ShutterLowerHorizontalEdge = upper, lower
    for keyword, value in unit.extra.items():
        setattr(d, keyword, value)
    return d


def _add_digital(d: Dataset, unit: Unit, view: View) -> None:
    """What DX asks beyond CR: anatomy (C.8.11.2), image (C.8.11.3), detector (C.8.11.4), positioning (C.8.11.5)."""
    d.PresentationIntentType = "FOR PRESENTATION"
    d.ImageLaterality = view.laterality
    region = _code(*REGIONS[view.body_part])
    if view.laterality in SIDES:
        region.AnatomicRegionModifierSequence = Sequence([_code(*SIDES[view.laterality])])
    d.AnatomicRegionSequence = Sequence([region])
    d.ViewCodeSequence = Sequence([_code(*VIEWS[view.position])])
    d.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    d.AcquisitionContextSequence = Sequence([])
    d.PixelIntensityRelationship = "LOG"
    d.PixelIntensityRelationshipSign = 1 if unit.display.photometric == "MONOCHROME1" else -1
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = "0", "1", "US"
    d.Grid = "FOCUSED"
    d.DetectorType, d.DetectorConfiguration = "SCINTILLATOR", "AREA"
    d.PositionerType = "NONE"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item
