"""Frames of enhanced multi-frame images become headers like those of single-frame files, so one gate judges both.

Functional groups: PS3.3 C.7.6.16; enhanced MR C.8.13, CT C.8.15, PET C.8.22; legacy converted images C.7.6.16.2.25.
"""

from pathlib import Path
from typing import Any

from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag, Tag

from fedbundle.dicom.header import codes, number, text, value

ENHANCED = frozenset(
    {
        uid.EnhancedMRImageStorage,
        uid.EnhancedMRColorImageStorage,
        uid.EnhancedCTImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
    }
)
MOST_FRAMES = 2**14  # of one file; a header of each is kept in memory
SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
GROUP_TAGS = frozenset(Tag(name) for name in (SHARED, PER_FRAME))
# functional group -> its attributes that the header of a single-frame image holds under the same name
SAME = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth"),
    "FrameAnatomySequence": ("AnatomicRegionSequence",),
    "FrameContentSequence": ("StackID", "InStackPositionNumber"),
    "MRDiffusionSequence": ("DiffusionBValue", "DiffusionDirectionality"),
    "MRTimingAndRelatedParametersSequence": ("RepetitionTime", "FlipAngle", "EchoTrainLength"),
    "MRModifierSequence": ("InversionRecovery",),
    "CTAcquisitionDetailsSequence": ("GantryDetectorTilt",),
}
# functional group -> attribute -> its name in a single-frame image
RENAMED = {
    "FrameContentSequence": {"TemporalPositionIndex": "TemporalPositionIdentifier"},
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "MRModifierSequence": {"InversionTimes": "InversionTime"},
    "MRImageFrameTypeSequence": {"FrameType": "ImageType"},
    "CTImageFrameTypeSequence": {"FrameType": "ImageType"},
    "PETFrameTypeSequence": {"FrameType": "ImageType"},
}
WHOLE = ("RealWorldValueMappingSequence",)  # functional groups that a single-frame image holds as such
CONVERTED = ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence")
GROUPS = tuple(dict.fromkeys([*SAME, *RENAMED]))
PULSES = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}  # Echo Pulse Sequence -> Scanning Sequence


def frames_of(header: Dataset, path: Path) -> list[tuple[Dataset, int | None]]:
    """Headers of the images in a file, and the index of each frame; None where the file is one image.

    A multi-frame file whose functional groups do not tell every frame stays as it is: one header and None. The two
    sequences of groups stay in the header of the first frame only.
    """
    if text(header, "SOPClassUID") not in ENHANCED:
        return [(header, None)]
    shared, per_frame = value(header, SHARED), value(header, PER_FRAME)
    frames = number(header, "NumberOfFrames") or 1
    if not per_frame or len(per_frame) != frames or frames > MOST_FRAMES:
        return [(header, None)]
    common = {tag: header.get_item(tag) for tag in header.keys() if tag not in GROUP_TAGS}  # noqa: SIM118
    found: list[tuple[Dataset, int | None]] = []
    for index, groups in enumerate(per_frame):
        frame = _like(header, common, path)
        for source in [*(shared or ())[:1], groups]:
            _put_groups(source, frame)
        _put_scanning_sequence(frame)
        found.append((frame, index))
    for tag in GROUP_TAGS & set(header.keys()):
        found[0][0][tag] = header[tag]
    return found


def _like(header: Dataset, elements: dict[BaseTag, Any], path: Path) -> FileDataset:
    """A header with these elements of `header`, which are not decoded for it."""
    implicit, little = header.original_encoding
    made = FileDataset(path, dict(elements), file_meta=header.file_meta)
    made.set_original_encoding(implicit, little, header.original_character_set)
    return made


def _put_groups(source: Dataset, frame: Dataset) -> None:
    for name in GROUPS:
        if not (items := value(source, name)):
            continue
        item = items[0]
        for keyword in SAME.get(name, ()):
            tag = Tag(keyword)
            if tag in item:
                frame[tag] = item.get_item(tag)
        for keyword, new in RENAMED.get(name, {}).items():
            if (told := value(item, keyword)) is not None:
                frame[new] = DataElement(Tag(new), item[keyword].VR, list(told) if isinstance(told, tuple) else told)
    _put_whole(source, frame)


def _put_whole(source: Dataset, frame: Dataset) -> None:
    for name in WHOLE:
        if Tag(name) in source:
            frame[Tag(name)] = source.get_item(Tag(name))
    for name in CONVERTED:
        for item in (value(source, name) or ())[:1]:
            for tag in item.keys() - frame.keys():
                frame[tag] = item.get_item(tag)


def _put_scanning_sequence(frame: Dataset) -> None:
    """Scanning Sequence (0018,0020) of an enhanced MR image, which tells the same in other attributes (C.8.13.4)."""
    kinds = list(PULSES.get(text(frame, "EchoPulseSequence"), ()))
    if not kinds or "ScanningSequence" in frame:
        return
    kinds += ["EP"] if codes(frame, "EchoPlanarPulseSequence") == ("YES",) else []
    kinds += ["IR"] if codes(frame, "InversionRecovery") == ("YES",) else []
    frame.ScanningSequence = kinds
