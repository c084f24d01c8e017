"""Series that are malformed in every way we know, each with what must come of it; `MATRIX` holds them by name."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    MPEG2MPML,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from pydicom.uid import PositronEmissionTomographyImageStorage as PETImageStorage
from samples.dicom_series import Stack, set_value
from samples.multi_frame import multi_frame, volumes

Change = Callable[[list[Dataset]], list[Dataset] | None]
SLICES = 7
STACK = Stack(slices=SLICES)
RIGHT = ""  # instead of a reason code


@dataclass(frozen=True)
class Row:
    """How a series is malformed, and what must come of it."""

    change: Change
    code: str = RIGHT
    role: dict[str, Any] = field(default_factory=dict)
    stack: Stack = STACK
    volume: int = 0  # which of several volumes is the right one
    tolerance: float = 0.5


def nothing(slices: list[Dataset]) -> None:
    """Leave the series as it is."""


def every(keyword: str, value: object) -> Change:
    return lambda slices: [set_value(image, keyword, value) for image in slices] and None


def one(keyword: str, value: object) -> Change:
    return lambda slices: set_value(slices[3], keyword, value)


def each(keyword: str, value: Callable[[int], object]) -> Change:
    return lambda slices: [set_value(image, keyword, value(i)) for i, image in enumerate(slices)] and None


def drop(*indices: int) -> Change:
    return lambda slices: [image for index, image in enumerate(slices) if index not in indices]


def moved(axis: int, mm: Callable[[int], float]) -> Change:
    """Shift slices along L, P or S."""

    def change(slices: list[Dataset]) -> None:
        for index, image in enumerate(slices):
            image.ImagePositionPatient[axis] += mm(index)

    return change


def twice(mm: float) -> Change:
    """The fourth slice comes again with an own UID, `mm` further."""

    def change(slices: list[Dataset]) -> None:
        extra = copy.deepcopy(slices[3])
        extra.SOPInstanceUID = f"{extra.SOPInstanceUID}.7"
        extra.ImagePositionPatient[2] += mm
        slices.append(extra)

    return change


def shuffled(slices: list[Dataset]) -> list[Dataset]:
    for number, image in enumerate(slices):
        image.InstanceNumber = 3 * number % SLICES + 1
    return slices[::2] + slices[1::2][::-1]


def sloped(slices: list[Dataset]) -> None:
    """Each slice has its own slope, as in PET."""
    for index, image in enumerate(slices):
        values = np.frombuffer(image.PixelData, "<u2")
        image.RescaleSlope = 1 + index / 8
        image.PixelData = np.rint(values / (1 + index / 8)).astype("<u2").tobytes()


def of_class(modality: str, sop_class: str) -> Change:
    def change(slices: list[Dataset]) -> None:
        for image in slices:
            image.Modality, image.SOPClassUID = modality, sop_class

    return change


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(slices: list[Dataset]) -> list[Dataset]:
        for each_change in changes:
            slices = each_change(slices) or slices
        return slices

    return change


def several(count: int, mark: Callable[[Dataset, int], None], without: tuple[int, ...] = ()) -> Change:
    """Several volumes in one series; `without` these images."""
    return lambda slices: drop(*without)(volumes(slices, count, mark))


def framed(slices: list[Dataset]) -> list[Dataset]:
    return [multi_frame(slices)]


def unordered(slices: list[Dataset]) -> list[Dataset]:
    return [multi_frame(slices[::3] + slices[1::3] + slices[2::3])]


def a_file_for_each(slices: list[Dataset]) -> list[Dataset]:
    return [multi_frame(slices[start : start + SLICES]) for start in range(0, len(slices), SLICES)]


def untold(slices: list[Dataset]) -> list[Dataset]:
    """A multi-frame file that lost its functional groups."""
    image = multi_frame(slices)
    del image.PerFrameFunctionalGroupsSequence
    return [image]


def fewer_told(slices: list[Dataset]) -> list[Dataset]:
    image = multi_frame(slices)
    image.NumberOfFrames = SLICES + 1
    return [image]


def converted_ct(slices: list[Dataset]) -> list[Dataset]:
    image = multi_frame(slices, EnhancedCTImageStorage)
    image.Modality = "CT"
    for frame in image.PerFrameFunctionalGroupsSequence:
        frame.CTImageFrameTypeSequence = frame.MRImageFrameTypeSequence
        del frame.MRImageFrameTypeSequence
    return [image]


def mark_b(*values: float) -> Callable[[Dataset, int], None]:
    return lambda image, volume: setattr(image, "DiffusionBValue", values[volume])


def mark_siemens(image: Dataset, volume: int) -> None:
    block = image.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "OB", (b"50", b"400 ", b"800 ")[volume])


def mark_philips(image: Dataset, volume: int) -> None:
    image.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", (0.0, 400.0, 800.0)[volume])


def mark_ge(image: Dataset, volume: int) -> None:
    values = [1_000_000_000 + (0, 400, 800)[volume], 8, 0, 0]
    image.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", values)


def mark_calculated(image: Dataset, volume: int) -> None:
    image.DiffusionBValue = (50.0, 1000.0)[volume]
    image.ImageType = (["ORIGINAL", "PRIMARY", "DIFFUSION"], ["DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVALUE"])[volume]


def mark_directions(image: Dataset, volume: int) -> None:
    """Two directions of b 800, then their average."""
    image.DiffusionBValue = 800.0
    image.DiffusionDirectionality = ("DIRECTIONAL", "DIRECTIONAL", "ISOTROPIC")[volume]


def mark_time(image: Dataset, volume: int) -> None:
    image.TemporalPositionIdentifier = volume + 1


def mark_echo(image: Dataset, volume: int) -> None:
    image.EchoTime = (20, 100)[volume]


def mark_phase(image: Dataset, volume: int) -> None:
    image.ImageType = ["ORIGINAL", "PRIMARY", ("M", "P")[volume]]


def unmarked(image: Dataset, volume: int) -> None:
    """Only the instance numbers tell."""


def mpeg(slices: list[Dataset]) -> None:
    for image in slices:
        image.file_meta.TransferSyntaxUID = MPEG2MPML
        image.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"


def wider(slices: list[Dataset]) -> None:
    slices[3].Columns, slices[3].Rows = 12, 10


def sized(pixels: int) -> Change:
    return both(every("Rows", pixels), every("Columns", pixels))


B_HIGH = {"b_value": {"min": 700}}
CT = of_class("CT", CTImageStorage)
MATRIX: dict[str, Row] = {
    # sound, though not as a reader may expect
    "transverse": Row(nothing),
    "sagittal": Row(nothing, stack=replace(STACK, turn=(0, 90, 90))),
    "coronal": Row(nothing, stack=replace(STACK, turn=(90, 0, 0))),
    "oblique": Row(nothing, stack=replace(STACK, turn=(18.5, -7, 31))),
    "against the normal": Row(nothing, stack=replace(STACK, step=-3.3, turn=(5, 6, 7))),
    "numbers and names shuffled": Row(shuffled, stack=replace(STACK, turn=(18.5, -7, 31))),
    "rescaled": Row(nothing, stack=replace(STACK, slope=0.75, intercept=-12.5)),
    "jitter of the positions": Row(moved(2, lambda index: 0.03 * (-1) ** index), tolerance=0.5 + 0.03 * 2 * 5),
    "another slope in each slice": Row(
        both(of_class("PT", PETImageStorage), sloped), tolerance=0.5 + 0.5 * (1 + 6 / 8)
    ),
    # enhanced multi-frame
    "multi-frame": Row(framed, stack=replace(STACK, turn=(18.5, -7, 31))),
    "multi-frame, frames unordered": Row(unordered, stack=replace(STACK, turn=(18.5, -7, 31))),
    "multi-frame, another slope in each frame": Row(both(sloped, framed), tolerance=0.5 + 0.5 * (1 + 6 / 8)),
    "multi-frame CT": Row(converted_ct),
    "multi-frame, fitted to a role": Row(
        framed, role={"scanning_sequence": {"any": ["SE"]}, "echo_time_ms": {"min": 100}}
    ),
    "multi-frame, several b-values": Row(both(several(2, mark_b(50, 800)), framed), "MULTI_B_VALUE"),
    "multi-frame, one b-value asked for": Row(both(several(2, mark_b(50, 800)), framed), role=B_HIGH, volume=1),
    "multi-frame, a file for each time": Row(both(several(3, mark_time), a_file_for_each), "MULTI_TIME"),
    "multi-frame, one time asked for": Row(
        both(several(3, mark_time), a_file_for_each), role={"temporal_position": 2}, volume=1
    ),
    "multi-frame, magnitude asked for": Row(
        both(several(2, mark_phase), framed), role={"split": ["image_type"], "image_type": {"any": ["M"]}}
    ),
    "multi-frame, a slice missing": Row(both(drop(5), framed), "MISSING_SLICE"),
    "multi-frame, functional groups lost": Row(untold, "MULTI_FRAME"),
    "multi-frame, a functional group lost": Row(fewer_told, "MULTI_FRAME"),
    "multi-frame, class without frames": Row(every("SOPClassUID", EnhancedMRImageStorage), "MULTI_FRAME"),
    "multi-frame, truncated": Row(both(sized(64), framed), "TRUNCATED_FILE"),
    # several volumes in one series
    "three b-values": Row(several(3, mark_siemens), "MULTI_B_VALUE"),
    "one b-value asked for, Siemens": Row(several(3, mark_siemens), role=B_HIGH, volume=2),
    "one b-value asked for, Philips": Row(several(3, mark_philips), role=B_HIGH, volume=2),
    "one b-value asked for, GE": Row(several(3, mark_ge), role=B_HIGH, volume=2),
    "one b-value asked for, standard": Row(several(3, mark_b(0, 400, 800)), role={"b_value": {"max": 60}}),
    "the last slice of one b-value lost": Row(
        several(3, mark_b(0, 400, 800), without=(3 * SLICES - 1,)), "UNEQUAL_VOLUMES", B_HIGH
    ),
    "a slice of the wanted b-value lost, and of all": Row(
        several(2, mark_b(50, 800), without=(5, SLICES + 5)), "MISSING_SLICE", B_HIGH
    ),
    "a calculated b-value where a measured one is asked for": Row(
        several(2, mark_calculated), "WRONG_B_VALUE", {"b_value": {"min": 700, "calculated": False}}
    ),
    "the calculated b-value asked for": Row(
        several(2, mark_calculated), role={"b_value": {"min": 700, "calculated": True}}, volume=1
    ),
    "directions of one b-value, and their average": Row(several(3, mark_directions), role=B_HIGH, volume=2),
    "4-D": Row(several(3, mark_time), "MULTI_TIME"),
    "4-D, the last time asked for": Row(several(3, mark_time), role={"temporal_position": "last"}, volume=2),
    "4-D, a time asked for that is not there": Row(several(3, mark_time), "NO_SUCH_VOLUME", {"temporal_position": 4}),
    "4-D, a slice lost at the end of one time": Row(
        several(3, mark_time, without=(2 * SLICES - 1,)), "UNEQUAL_VOLUMES", {"temporal_position": 1}
    ),
    "two echoes": Row(several(2, mark_echo), "MULTI_ECHO"),
    "two echoes, the late one asked for": Row(
        several(2, mark_echo), role={"split": ["echo_time"], "echo_time_ms": {"min": 70}}, volume=1
    ),
    "magnitude and phase": Row(several(2, mark_phase), "MIXED_SERIES"),
    "the whole stack twice": Row(several(2, unmarked), "REPEATED_POSITIONS"),
    "the whole stack twice, the second asked for": Row(several(2, unmarked), role={"repetition": 2}, volume=1),
    # files that are no readable slice
    "a report": Row(every("Rows", None), "NOT_AN_IMAGE"),
    "a screenshot among them": Row(one("SOPClassUID", SecondaryCaptureImageStorage), "SECONDARY_CAPTURE"),
    "a video codec": Row(mpeg, "UNKNOWN_TRANSFER_SYNTAX"),
    "burned-in text declared": Row(one("BurnedInAnnotation", "YES"), "BURNED_IN_ANNOTATION"),
    "localizer": Row(every("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), "LOCALIZER"),
    "mosaic": Row(every("ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]), "MOSAIC"),
    "palette colours": Row(
        every("PhotometricInterpretation", "PALETTE COLOR"), "NOT_GREYSCALE", {"colour": "grey if equal"}
    ),
    "a position lost": Row(one("ImagePositionPatient", None), "MISSING_GEOMETRY"),
    "a frame of reference lost": Row(one("FrameOfReferenceUID", None), "MISSING_GEOMETRY"),
    "spacing 0": Row(every("PixelSpacing", [0, 0]), "INVALID_GEOMETRY"),
    "directions that are no unit vectors": Row(
        every("ImageOrientationPatient", [1, 0, 0, 0, 0.5, 0]), "INVALID_GEOMETRY"
    ),
    "absurd size": Row(sized(65535), "TOO_LARGE"),
    "files shorter than their pixels": Row(sized(64), "TRUNCATED_FILE"),
    "a file twice": Row(lambda slices: [*slices, slices[3]], "DUPLICATE_INSTANCE"),
    # slices that are no regular stack
    "slices of two frames of reference": Row(one("FrameOfReferenceUID", "1.2.3.4.5.6.7.8"), "MIXED_FRAME_OF_REFERENCE"),
    "slices in two directions": Row(one("ImageOrientationPatient", [0, 1, 0, 0, 0, -1]), "MIXED_ORIENTATION"),
    "a slice slightly turned": Row(one("ImageOrientationPatient", [1, 0.001, 0, -0.001, 1, 0]), "MIXED_ORIENTATION"),
    "slices of two sizes": Row(wider, "MIXED_MATRIX"),
    "slices of two pixel spacings": Row(one("PixelSpacing", [0.9, 0.8]), "MIXED_PIXEL_SPACING"),
    "slices of two pixel formats": Row(one("PixelRepresentation", 1), "MIXED_PIXEL_FORMAT"),
    "slices of two classes": Row(one("SOPClassUID", UltrasoundImageStorage), "MIXED_SERIES"),
    "a derived slice among originals": Row(one("ImageType", ["DERIVED", "SECONDARY", "M"]), "MIXED_SERIES"),
    "a slice doubled": Row(twice(0.0), "DUPLICATE_SLICE"),
    "two slices": Row(lambda slices: slices[:2], "TOO_FEW_SLICES"),
    "a slice missing": Row(drop(5), "MISSING_SLICE"),
    "two slices missing": Row(drop(2, 4), "MISSING_SLICE"),
    "a slice too many": Row(twice(1.3), "UNEQUAL_SLICE_SPACING"),
    "steps that grow": Row(moved(2, lambda index: 0.05 * index**2), "UNEQUAL_SLICE_SPACING"),
    "gantry tilt declared": Row(both(CT, every("GantryDetectorTilt", -12.5)), "GANTRY_TILT"),
    "gantry tilt not declared": Row(both(CT, moved(1, lambda index: 0.4 * index)), "GANTRY_TILT"),
    "sheared, not CT": Row(moved(0, lambda index: 0.4 * index), "SHEARED_STACK"),
}
