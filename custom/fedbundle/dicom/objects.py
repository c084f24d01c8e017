"""Is every file of a series one readable greyscale slice with a place in the patient? One check per reason code.

A check returns why it refuses, or "" when it finds nothing.
"""

import re
from collections import Counter
from collections.abc import Callable

from pydicom import uid
from pydicom.dataset import Dataset

from fedbundle.dicom.header import codes, number, text
from fedbundle.dicom.series import Series

Check = Callable[[Series], str]
MOST_VOXELS = 2**30
MATRIX = ("Rows", "Columns")

# what SimpleITK decodes (measured on real files of each); PS3.5 annex A
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


def _several_frames(header: Dataset) -> bool:
    return (number(header, "NumberOfFrames") or 1) > 1 or text(header, "SOPClassUID") in ENHANCED


def _burned_in(header: Dataset) -> bool:
    return text(header, "BurnedInAnnotation").upper() == "YES"


def _of_type(word: str) -> Callable[[Dataset], bool]:
    return lambda header: word in codes(header, "ImageType")


def _colour(header: Dataset) -> bool:
    grey = text(header, "PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
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


def _transfer_syntax(series: Series) -> str:
    for header in series.headers:
        syntax = text(header.file_meta, "TransferSyntaxUID")
        if syntax and syntax not in READABLE:
            return f"{syntax} cannot be decoded" if STANDARD_SYNTAX.fullmatch(syntax) else "not of the standard"
    return ""


def _too_large(series: Series) -> str:
    voxels = sum(_pixels(header) * count for header, count in series.kinds(*MATRIX))
    return f"{voxels:.0f} voxels, at most {MOST_VOXELS} are read" if voxels > MOST_VOXELS else ""


def _truncated(series: Series) -> str:
    least = min(_pixels(h) * (number(h, "BitsAllocated") or 0) / 8 for h, _ in series.kinds(*MATRIX, "BitsAllocated"))
    native = [text(header.file_meta, "TransferSyntaxUID") in NATIVE for header in series.headers]
    short = sum(plain and file.stat().st_size < least for plain, file in zip(native, series.files, strict=True))
    return f"{short} of {len(series.files)} files are shorter than their pixels" if short else ""


def _duplicate_instance(series: Series) -> str:
    seen = Counter(text(header, "SOPInstanceUID") for header in series.headers)
    doubled = sum(count - 1 for count in seen.values())
    return f"{doubled} of {len(series.headers)} files repeat a SOP instance" if doubled else ""


OBJECT_CHECKS: dict[str, Check] = {
    "NOT_AN_IMAGE": _any(_without_matrix, "Rows Columns", "have no rows and columns"),
    "SECONDARY_CAPTURE": _any(_captured, "SOPClassUID", "are of that class"),
    "MULTI_FRAME": _any(_several_frames, "NumberOfFrames SOPClassUID", "have several frames or an enhanced class"),
    "UNKNOWN_TRANSFER_SYNTAX": _transfer_syntax,
    "BURNED_IN_ANNOTATION": _any(_burned_in, "BurnedInAnnotation", "declare text in the pixels"),
    "LOCALIZER": _any(_of_type("LOCALIZER"), "ImageType", "are localizers"),
    "MOSAIC": _any(_of_type("MOSAIC"), "ImageType", "are mosaics of slices"),
    "NOT_GREYSCALE": _any(_colour, "PhotometricInterpretation SamplesPerPixel", "are not greyscale"),
    "MISSING_GEOMETRY": _missing_geometry,
    "INVALID_GEOMETRY": _invalid_geometry,
    "TOO_LARGE": _too_large,
    "TRUNCATED_FILE": _truncated,
    "DUPLICATE_INSTANCE": _duplicate_instance,
}
