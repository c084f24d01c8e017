"""Is every file of a series one readable greyscale slice with a place in the patient? One check per reason code.

A check returns why it refuses, or "" when it finds nothing. The checks of places are not for radiographs.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder

from fedbundle.dicom.frames import ENHANCED
from fedbundle.dicom.header import codes, number, text
from fedbundle.dicom.series import Series

Check = Callable[[Series], str]
MOST_VOXELS = 2**30
MATRIX = ("Rows", "Columns")

# what SimpleITK decodes (each is in a test); PS3.5 annex A
READABLE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.JPEGBaseline8Bit,
        uid.JPEGExtended12Bit,
        uid.JPEGLossless,
        uid.JPEGLosslessSV1,
        uid.JPEGLSLossless,
        uid.JPEGLSNearLossless,
        uid.JPEG2000Lossless,
        uid.JPEG2000,
        uid.HTJ2KLossless,
        uid.HTJ2KLosslessRPCL,
        uid.HTJ2K,
        uid.RLELossless,
    }
)
NATIVE = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian})
STANDARD_SYNTAX = re.compile(r"1\.2\.840\.10008\.1\.2(\.\d{1,3}){0,3}")
SECONDARY_CAPTURE = re.compile(re.escape(uid.SecondaryCaptureImageStorage) + r"(\.[1-4])?")
GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOURS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})  # whose channels can be compared
PROJECTIONS = frozenset({"CR", "DX", "RG"})  # Modality of images that have no place in the patient


def _any(bad: Callable[[Dataset], bool], names: str, what: str) -> Check:
    """A check that refuses when at least one file is bad, judged by the attributes in `names`."""

    def check(series: Series) -> str:
        found = sum(count for header, count in series.kinds(*names.split()) if bad(header))
        return f"{found} of {len(series.headers)} files {what}" if found else ""

    return check


def _without_matrix(header: Dataset) -> bool:
    return not number(header, "Rows") or not number(header, "Columns")


def _captured(header: Dataset) -> bool:
    return SECONDARY_CAPTURE.fullmatch(text(header, "SOPClassUID")) is not None


def is_projection(series: Series) -> bool:
    """Radiographs: each image stands for itself and has no place in the patient."""
    return all(text(header, "Modality") in PROJECTIONS for header, _ in series.kinds("Modality"))


def is_coloured(header: Dataset) -> bool:
    """Three channels that may turn out to be equal."""
    return text(header, "PhotometricInterpretation") in COLOURS and number(header, "SamplesPerPixel") == 3


def _several_frames(header: Dataset) -> bool:
    return (number(header, "NumberOfFrames") or 1) > 1 or text(header, "SOPClassUID") in ENHANCED


def _multi_frame(series: Series) -> str:
    if not any(_several_frames(header) for header, _ in series.kinds("NumberOfFrames", "SOPClassUID")):
        return ""
    pairs = zip(series.headers, series.frames, strict=True)
    found = sum(frame is None and _several_frames(header) for header, frame in pairs)
    return f"{found} files have frames without functional groups that tell where each lies" if found else ""


def _burned_in(header: Dataset) -> bool:
    return text(header, "BurnedInAnnotation").upper() == "YES"


def _of_type(word: str) -> Callable[[Dataset], bool]:
    return lambda header: word in codes(header, "ImageType")


def _colour(header: Dataset) -> bool:
    grey = text(header, "PhotometricInterpretation") in GREY
    return not grey or number(header, "SamplesPerPixel") not in (None, 1.0)


def _missing_geometry(series: Series) -> str:
    placeless = sum(found is None for found in series.planes)
    if placeless:
        return f"{placeless} of {len(series.planes)} files lack position, orientation or pixel spacing"
    frameless = sum(n for header, n in series.kinds("FrameOfReferenceUID") if not text(header, "FrameOfReferenceUID"))
    return f"{frameless} of {len(series.planes)} files lack a frame of reference" if frameless else ""


def _invalid_geometry(series: Series) -> str:
    bad = sum(found is not None and not found.sound for found in series.planes)
    return f"{bad} of {len(series.planes)} files have impossible directions or spacing" if bad else ""


def _pixels(header: Dataset) -> float:
    return (number(header, "Rows") or 0) * (number(header, "Columns") or 0)


@cache
def _frames_readable(syntax: str) -> bool:
    """Frames are decoded by pydicom, single-frame files by SimpleITK."""
    return syntax in NATIVE or syntax == uid.DeflatedExplicitVRLittleEndian or get_decoder(uid.UID(syntax)).is_available


def _transfer_syntax(series: Series) -> str:
    for header, frame in zip(series.headers, series.frames, strict=True):
        syntax = text(header.file_meta, "TransferSyntaxUID")
        if syntax and (syntax not in READABLE or (frame is not None and not _frames_readable(syntax))):
            return f"{syntax} cannot be decoded" if STANDARD_SYNTAX.fullmatch(syntax) else "not of the standard"
    return ""


def _too_large(series: Series) -> str:
    voxels = sum(_pixels(header) * count for header, count in series.kinds(*MATRIX))
    return f"{voxels:.0f} voxels, at most {MOST_VOXELS} are read" if voxels > MOST_VOXELS else ""


def _bytes_of_pixels(header: Dataset) -> float:
    frames = number(header, "NumberOfFrames") or 1
    return _pixels(header) * (number(header, "BitsAllocated") or 0) / 8 * frames


def _truncated(series: Series) -> str:
    least = min(_bytes_of_pixels(header) for header, _ in series.kinds(*MATRIX, "BitsAllocated", "NumberOfFrames"))
    syntaxes = {f: text(h.file_meta, "TransferSyntaxUID") for h, f in zip(series.headers, series.files, strict=True)}
    short = sum(syntax in NATIVE and file.stat().st_size < least for file, syntax in syntaxes.items())
    return f"{short} of {len(syntaxes)} files are shorter than their pixels" if short else ""


def _duplicate_instance(series: Series) -> str:
    pairs = zip(series.headers, series.frames, strict=True)
    seen = Counter((text(header, "SOPInstanceUID"), frame) for header, frame in pairs)
    doubled = sum(count - 1 for count in seen.values())
    return f"{doubled} of {len(series.headers)} images repeat a SOP instance" if doubled else ""


OBJECT_CHECKS: dict[str, Check] = {
    "NOT_AN_IMAGE": _any(_without_matrix, "Rows Columns", "have no rows and columns"),
    "SECONDARY_CAPTURE": _any(_captured, "SOPClassUID", "are of that class"),
    "MULTI_FRAME": _multi_frame,
    "UNKNOWN_TRANSFER_SYNTAX": _transfer_syntax,
    "BURNED_IN_ANNOTATION": _any(_burned_in, "BurnedInAnnotation", "declare text in the pixels"),
    "LOCALIZER": _any(_of_type("LOCALIZER"), "ImageType", "are localizers"),
    "MOSAIC": _any(_of_type("MOSAIC"), "ImageType", "are mosaics of slices"),
    "NOT_GREYSCALE": _any(_colour, "PhotometricInterpretation SamplesPerPixel", "are not greyscale"),
    "TOO_LARGE": _too_large,
    "TRUNCATED_FILE": _truncated,
    "DUPLICATE_INSTANCE": _duplicate_instance,
}
PLACE_CHECKS: dict[str, Check] = {
    "MISSING_GEOMETRY": _missing_geometry,
    "INVALID_GEOMETRY": _invalid_geometry,
}
