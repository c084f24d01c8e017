"""Single-frame images become one enhanced multi-frame image, as the vendors write them, or carry several volumes."""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, EnhancedMRImageStorage

BRIGHTER = 1000  # by so much the second volume differs from the first, the third from the second


def volumes(slices: list[Dataset], count: int, mark: Callable[[Dataset, int], None]) -> list[Dataset]:
    """The slices `count` times, each time brighter, with own UIDs, and marked with the number of the volume."""
    made = []
    for volume in range(count):
        for image in slices:
            copied = Dataset({element.tag: copy.copy(element) for element in image})
            copied.file_meta = copy.deepcopy(image.file_meta)
            pixels = np.frombuffer(image.PixelData, "<u2") + np.uint16(volume * BRIGHTER)
            copied.PixelData = pixels.tobytes()
            copied.SOPInstanceUID = copied.file_meta.MediaStorageSOPInstanceUID = f"{image.SOPInstanceUID}.{volume}"
            copied.InstanceNumber = image.InstanceNumber + volume * len(slices)
            mark(copied, volume)
            made.append(copied)
    return made


def multi_frame(slices: Sequence[Dataset], sop_class: UID = EnhancedMRImageStorage) -> Dataset:
    """One enhanced image whose frames are these images, in this order.

    Orientation and pixel measures are shared; position, rescale, time, echo, kind and b-value are told per frame.
    """
    image = copy.deepcopy(slices[0])
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "EchoTime"):
        delattr(image, name)
    for name in ("RescaleSlope", "RescaleIntercept", "RepetitionTime", "ScanningSequence"):
        delattr(image, name)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = sop_class
    image.NumberOfFrames = len(slices)
    image.EchoPulseSequence, image.EchoPlanarPulseSequence = "SPIN", "NO"
    image.SharedFunctionalGroupsSequence = [_shared(slices[0])]
    image.PerFrameFunctionalGroupsSequence = [_frame(each) for each in slices]
    image.PixelData = b"".join(each.PixelData for each in slices)
    return image


def _shared(first: Dataset) -> Dataset:
    shared = Dataset()
    shared.PlaneOrientationSequence = [_with(first, "ImageOrientationPatient")]
    shared.PixelMeasuresSequence = [_with(first, "PixelSpacing", "SliceThickness")]
    shared.MRTimingAndRelatedParametersSequence = [_with(first, "RepetitionTime")]
    return shared


def _frame(single: Dataset) -> Dataset:
    frame = Dataset()
    frame.PlanePositionSequence = [_with(single, "ImagePositionPatient")]
    frame.PixelValueTransformationSequence = [_with(single, "RescaleSlope", "RescaleIntercept")]
    frame.MREchoSequence = [_with(single)]
    frame.MREchoSequence[0].EffectiveEchoTime = float(single.EchoTime)
    frame.MRImageFrameTypeSequence = [_with(single)]
    frame.MRImageFrameTypeSequence[0].FrameType = single.ImageType
    frame.FrameContentSequence = [_with(single)]
    frame.FrameContentSequence[0].TemporalPositionIndex = int(single.get("TemporalPositionIdentifier", 1))
    if "DiffusionBValue" in single:
        frame.MRDiffusionSequence = [_with(single, "DiffusionBValue")]
    return frame


def _with(source: Dataset, *names: str) -> Dataset:
    item = Dataset()
    for name in names:
        setattr(item, name, source[name].value)
    return item
