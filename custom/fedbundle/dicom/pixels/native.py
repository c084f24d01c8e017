"""Native pixels (PS3.5 8.1, 8.2, A.1, A.2) straight from the bytes of a file: the common case, without a decoder."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from fedbundle.dicom.header import PIXEL_DATA, alike, number, stored, text

LONG_VR = {uid.ExplicitVRLittleEndian: True, uid.ImplicitVRLittleEndian: False}  # syntax -> whether the VR is told
BITS = 16  # allocated
DECIDING = (
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation", "ModalityLUTSequence"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope", "RescaleIntercept"),
)


@dataclass(frozen=True)
class Layout:
    """How the pixels of a single-frame greyscale image with 16 bits allocated are stored."""

    shape: tuple[int, int]  # rows, columns
    vr_told: bool
    stored_bits: int  # the lowest; others may hold anything, such as an overlay
    signed: bool
    slope: float
    intercept: float

    @property
    def length(self) -> int:
        """Of the Pixel Data element, in bytes."""
        return self.shape[0] * self.shape[1] * BITS // 8


def layouts_of(headers: Sequence[Dataset]) -> list[Layout | None]:
    """Layout of each image, None where a general reader must judge; decoded once for each kind of header.

    MONOCHROME1, a Modality LUT, other bits allocated, several frames or samples are left to the general reader.
    """
    syntaxes = [text(header.file_meta, "TransferSyntaxUID") for header in headers]
    found: list[Layout | None] = [None] * len(headers)
    for members in alike([syntaxes, *(stored(headers, name) for name in DECIDING)]):
        layout = _layout(headers[members[0]], syntaxes[members[0]])
        for index in members:
            found[index] = layout
    return found


def _layout(header: Dataset, syntax: str) -> Layout | None:
    rows, columns, bits, high = (int(number(header, n) or 0) for n in ("Rows", "Columns", "BitsStored", "HighBit"))
    plain = number(header, "BitsAllocated") == BITS and 0 < bits <= BITS and high == bits - 1
    alone = number(header, "SamplesPerPixel") in (None, 1.0) and number(header, "NumberOfFrames") in (None, 1.0)
    grey = text(header, "PhotometricInterpretation") == "MONOCHROME2" and "ModalityLUTSequence" not in header
    if syntax not in LONG_VR or not (plain and alone and grey and rows and columns):
        return None
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept") or 0.0
    signed = number(header, "PixelRepresentation") == 1
    told = LONG_VR[uid.UID(syntax)]
    return Layout((rows, columns), told, bits, signed, 1.0 if slope is None else slope, intercept)


def read_native(path: Path, layout: Layout) -> NDArray[np.integer | np.floating] | None:
    """Pixels [row, column] after rescale (C.11.1.1.2), int16 or uint16 where that changes nothing, else float64.

    None where they do not end the file, as they nearly always do.

    Raises:
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    if not _ends_with_pixels(content, layout):
        return None
    words = np.frombuffer(content, "<u2", offset=len(content) - layout.length).reshape(layout.shape)
    unused = BITS - layout.stored_bits
    if unused:
        words = words << unused
    pixels = words.view("<i2") if layout.signed else words
    if unused:
        pixels = pixels >> unused
    if (layout.slope, layout.intercept) == (1.0, 0.0):
        return pixels
    return pixels.astype(np.float64) * layout.slope + layout.intercept


def _ends_with_pixels(content: bytes, layout: Layout) -> bool:
    """The last element of the file is Pixel Data with just these many bytes."""
    start = len(content) - layout.length
    head = content[max(start - (12 if layout.vr_told else 8), 0) : max(start, 0)]
    tag, vr, size = head[:4], head[4:-4], head[-4:]
    known = (b"OW\0\0", b"OB\0\0") if layout.vr_told else (b"",)
    return tag == PIXEL_DATA and vr in known and size == struct.pack("<I", layout.length)
