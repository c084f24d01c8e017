"""A synthetic PET on a `Stack`: F-18, injected one half-life before the scan, so the arithmetic can be followed."""

from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage
from samples.dicom_series import STUDY_DATE, Stack, make_slices

HALF_LIFE_S, DOSE_BQ, WEIGHT_KG = 6586.0, 300e6, 75.0
INJECTED, SCANNED = "100000", "114946"  # one half-life apart
FACTOR = WEIGHT_KG * 1000 / (DOSE_BQ / 2)  # g/ml per Bq/ml
OF_MR = "ScanningSequence SequenceVariant MRAcquisitionType EchoTime RepetitionTime MagneticFieldStrength"


def make_pet(stack: Stack | None = None) -> list[Dataset]:
    """Images of the series; change them before writing."""
    slices = make_slices(stack)
    for image in slices:
        for name in OF_MR.split():
            delattr(image, name)
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
        image.Modality, image.Manufacturer, image.ManufacturerModelName = "PT", "GE MEDICAL SYSTEMS", "Discovery"
        image.SeriesDescription = image.ProtocolName = "wb ac"
        image.ImageType = ["ORIGINAL", "PRIMARY"]
        image.Units, image.DecayCorrection, image.PatientWeight = "BQML", "START", WEIGHT_KG
        image.CorrectedImage = ["DECY", "ATTN", "SCAT"]
        image.SeriesDate = image.AcquisitionDate = STUDY_DATE
        image.SeriesTime = image.AcquisitionTime = SCANNED
        image.ActualFrameDuration, image.FrameReferenceTime = 120000, 0
        image.RadiopharmaceuticalInformationSequence = [_injection()]
    return slices


def _injection() -> Dataset:
    info, nuclide = Dataset(), Dataset()
    info.RadiopharmaceuticalStartTime = INJECTED
    info.RadionuclideTotalDose, info.RadionuclideHalfLife = DOSE_BQ, HALF_LIFE_S
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
    info.RadionuclideCodeSequence = [nuclide]
    return info
