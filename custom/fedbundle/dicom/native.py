"""Native pixels (PS3.5 8.1, 8.2, A.1, A.2) straight from the bytes of a file: the common case, without a decoder."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from fedbundle.dicom.header import number, text

PIXEL_DATA = struct.pack("<HH", 0x7FE0, 0x0010)
LONG_VR = {uid.ExplicitVRLittleEndian: True, uid.ImplicitVRLittleEndian: False}  # syntax -> whether the VR is told
BITS = 16  # allocated


def read_native(path: Path, header: Dataset) -> NDArray[np.float32] | None:
    """Pixels [row, column] of a single-frame file after rescale (C.11.1.1.2); None where another reader must judge.

    Read are 16 bit greyscale pixels that end the file, as nearly all do: Pixel Data is the last element of a data set
    but for padding. Everything else, a Modality LUT Sequence included, is left to the general reader.

    Args:
        path: of a file.
        header: of the same file, without pixels.

    Raises:
        OSError: the file cannot be read.
    """
    syntax = text(header.file_meta, "TransferSyntaxUID")
    shape = tuple(int(number(header, name) or 0) for name in ("Rows", "Columns"))
    stored, high = (int(number(header, name) or 0) for name in ("BitsStored", "HighBit"))
    plain = number(header, "BitsAllocated") == BITS and 0 < stored <= BITS and high == stored - 1
    alone = number(header, "SamplesPerPixel") in (None, 1.0) and number(header, "NumberOfFrames") in (None, 1.0)
    if syntax not in LONG_VR or not plain or not alone or "ModalityLUTSequence" in header:
        return None
    length = shape[0] * shape[1] * BITS // 8
    content = path.read_bytes()
    if not length or not _ends_with_pixels(content, length, told=LONG_VR[uid.UID(syntax)]):
        return None
    unused = BITS - stored  # bits above the stored ones may hold anything, such as an overlay
    words = np.frombuffer(content, "<u2", offset=len(content) - length).reshape(shape)
    if unused:
        words = words << unused
    pixels = words.view("<i2") if number(header, "PixelRepresentation") == 1 else words
    if unused:
        pixels = pixels >> unused
    slope, intercept = (number(header, name) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope in (None, 1.0) and intercept in (None, 0.0):
        return pixels.astype(np.float32)
    scaled = pixels.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
    return scaled.astype(np.float32)


def _ends_with_pixels(content: bytes, length: int, *, told: bool) -> bool:
    """The last element of the file is Pixel Data with just these many bytes."""
    start = len(content) - length
    head = content[max(start - (12 if told else 8), 0) : start]
    tag, vr, size = head[:4], head[4:-4], head[-4:]
    return (
        tag == PIXEL_DATA and vr in ((b"OW\0\0", b"OB\0\0") if told else (b"",)) and size == struct.pack("<I", length)
    )
