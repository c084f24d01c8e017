"""Synthetic PET series as DICOM files (PS3.3 A.21, PET Image IOD): activity in Bq/ml with all that SUV needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import PositronEmissionTomographyImageStorage

from fedbundle.phantom.canvas import Array, Grid
from fedbundle.phantom.dicom_study import Exam, Machine, series_header, write_instances
from fedbundle.phantom.slices import add_frame, place

MOST = 32767
"""Largest stored value: 16 bits with a sign, as scanners write PET."""


@dataclass(frozen=True)
class Nuclide:
    """A positron emitter: half-life in s, positrons per decay, SNOMED CT code (CID 4020) and its meaning."""

    half_life_s: float
    positron_fraction: float
    code: str
    meaning: str


GALLIUM_68 = Nuclide(4062.6, 0.89, "35337001", "^68^Gallium")
FLUORINE_18 = Nuclide(6586.2, 0.967, "77004003", "^18^Fluorine")
"""Half-lives of the BIPM Monographie 5."""


@dataclass(frozen=True)
class Injection:
    """What the patient got, and when."""

    radiopharmaceutical: str
    nuclide: Nuclide
    dose_bq: float
    before_s: float
    """How long before the scan."""

    def activity(self, suv: Array, weight_kg: float) -> Array:
        """Bq/ml at the start of the scan: SUV times the dose that is left then, over the weight in g."""
        left = self.dose_bq * 2 ** (-self.before_s / self.nuclide.half_life_s)
        return np.asarray(suv * (left / (weight_kg * 1000)), np.float32)


@dataclass(frozen=True)
class PetSeries:
    """One static PET series of an exam."""

    number: int
    start_s: int
    """Seconds after the start of the exam."""
    description: str
    grid: Grid
    injection: Injection
    frame_s: int
    """Duration of the acquisition."""
    reconstruction: str
    corrected: tuple[str, ...] = ("NORM", "DTIM", "ATTN", "SCAT", "RAN", "DECY")
    reverse_numbers: bool = False


def write_pet(folder: Path, exam: Exam, machine: Machine, series: PetSeries, suv: Array) -> int:
    """Write `suv` [slice, row, column] as `<instance number>.dcm` in Bq/ml, decay corrected to the start (START).

    Each slice has a rescale slope of its own, as of GE and Siemens. Returns the number of files.
    """
    activity = series.injection.activity(suv, exam.person.weight_kg)
    return write_instances(folder, _header(exam, machine, series), _instances(exam, series, activity))


def _instances(exam: Exam, series: PetSeries, activity: Array) -> Iterator[Dataset]:
    for index, image in enumerate(activity):
        number = len(activity) - index if series.reverse_numbers else index + 1
        own = Dataset()
        own.SOPInstanceUID = exam.uid(series.number, number)
        own.InstanceNumber = own.ImageIndex = number
        place(own, series.grid, index)
        slope = f"{max(float(image.max()), 1.0) / MOST:.9g}"
        own.RescaleIntercept, own.RescaleSlope = "0", slope
        stored = np.clip(np.rint(image / np.float32(slope)), 0, MOST).astype("<i2")
        own.WindowCenter, own.WindowWidth = f"{image.max() / 2:.6g}", f"{max(float(image.max()), 1.0):.6g}"
        own.add_new("PixelData", "OW", stored.tobytes())
        yield own


def _header(exam: Exam, machine: Machine, series: PetSeries) -> Dataset:
    grid = series.grid
    d = series_header(exam, machine, "PT", PositronEmissionTomographyImageStorage, series.number, series.start_s)
    add_frame(d, exam)
    d.SeriesDescription = d.ProtocolName = series.description
    d.AcquisitionTime = d.ContentTime = exam.clock(series.start_s)
    d.ImageType = ["ORIGINAL", "PRIMARY"]
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
    d.Rows, d.Columns = grid.shape[1:]
    d.SliceThickness = f"{grid.thickness_mm:g}"
    d.Units, d.CountsSource, d.SeriesType = "BQML", "EMISSION", ["STATIC", "IMAGE"]
    d.NumberOfSlices = grid.shape[0]
    d.CorrectedImage, d.DecayCorrection = list(series.corrected), "START"
    d.DecayFactor, d.FrameReferenceTime = "1", f"{500 * series.frame_s}"
    d.ActualFrameDuration = series.frame_s * 1000
    d.RandomsCorrectionMethod, d.ScatterCorrectionMethod = "DLYD", "Model-based"
    d.AttenuationCorrectionMethod, d.ReconstructionMethod = "MR-based", series.reconstruction
    d.CollimatorType = "NONE"
    d.PatientOrientationCodeSequence = Sequence([_code("102538003", "recumbent", "supine", "40199007")])
    d.PatientGantryRelationshipCodeSequence = Sequence([_code("102541007", "feet-first")])
    d.RadiopharmaceuticalInformationSequence = Sequence([_injection(exam, series)])
    return d


def _injection(exam: Exam, series: PetSeries) -> Dataset:
    """PS3.3 C.8.9.2, PET Isotope."""
    injection, nuclide = series.injection, series.injection.nuclide
    start = exam.clock(series.start_s - injection.before_s)
    d = Dataset()
    d.Radiopharmaceutical = injection.radiopharmaceutical
    d.RadiopharmaceuticalStartTime, d.RadiopharmaceuticalStartDateTime = start, exam.date + start
    d.RadionuclideTotalDose = f"{injection.dose_bq:.0f}"
    d.RadionuclideHalfLife = f"{nuclide.half_life_s:g}"
    d.RadionuclidePositronFraction = f"{nuclide.positron_fraction:g}"
    d.RadionuclideCodeSequence = Sequence([_code(nuclide.code, nuclide.meaning)])
    return d


def _code(value: str, meaning: str, modifier: str = "", modifier_value: str = "") -> Dataset:
    d = Dataset()
    d.CodeValue, d.CodingSchemeDesignator, d.CodeMeaning = value, "SCT", meaning
    if modifier:
        d.PatientOrientationModifierCodeSequence = Sequence([_code(modifier_value, modifier)])
    return d
