"""A synthetic AP radiograph of an adult's pelvis, as a DX image."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation
from samples.dicom_series import Stack, make_slices

ADULT = "063Y"


def make_film(number: int = 1, rows: int = 40, columns: int = 32) -> Dataset:
    """One image; change it before writing it."""
    (image,) = make_slices(Stack(slices=1, rows=rows, columns=columns, number=number))
    for name in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "FrameOfReferenceUID",
        "SliceThickness",
        "EchoTime",
    ):
        delattr(image, name)
    for name in ("RepetitionTime", "ScanningSequence", "SequenceVariant", "MRAcquisitionType", "MagneticFieldStrength"):
        delattr(image, name)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    image.Modality, image.BodyPartExamined, image.ViewPosition, image.PatientAge = "DX", "PELVIS", "AP", ADULT
    image.SeriesDescription = image.ProtocolName = "pelvis ap"
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.PixelSpacing, image.ImagerPixelSpacing = [0.14, 0.14], [0.15, 0.15]
    return image


def make_colour(image: Dataset, difference: int = 0) -> Dataset:
    """The image as RGB of 8 bits whose channels are equal, or differ by `difference` in one place."""
    grey = (np.frombuffer(image.PixelData, "<u2") // 64).astype(np.uint8)
    colours = np.stack([grey, grey, grey], axis=-1)
    colours[7, 1] += difference
    image.PhotometricInterpretation, image.SamplesPerPixel, image.PlanarConfiguration = "RGB", 3, 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
    image.PixelData = colours.tobytes()
    return image
