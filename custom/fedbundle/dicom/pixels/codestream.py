"""Is every compressed frame of a file whole? Decoders fill gaps with grey or noise and say nothing, so this is checked.

JPEG: all codes are counted. RLE: every segment gives one byte per pixel. JPEG-LS and JPEG 2000, whose decoders refuse
what is cut off: size, and the end where the codestream says it is. A changed bit that leaves a codestream valid cannot
be noticed, as in native pixels: no transfer syntax has a checksum.
"""

import struct
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from fedbundle.dicom.header import number, text
from fedbundle.dicom.pixels.jpeg_scan import ScanError, check_jpeg
from fedbundle.dicom.series import Series

Check = Callable[[bytes, Dataset], None]  # one frame and the header of its file
RLE_HEADER = struct.Struct("<16L")
JPEG_LS_FRAME, START_OF_SCAN, END = 0xF7, 0xDA, b"\xff\xd9"
CODESTREAM, SIZE, TILE_PART = b"\xff\x4f\xff\x51", 0xFF51, 0xFF90
BOXED = b"\x00\x00\x00\x0cjP  "  # a JP2 file, which some write although PS3.5 A.4.4 wants the codestream alone


def check_frames(series: Series) -> None:
    """Refuse a series of which a compressed frame is not whole; native and deflated pixels are left to their readers.

    Raises:
        ScanError: a frame is damaged or of another size than the header tells.
        ValueError, LookupError, AttributeError, OSError, EOFError, struct.error: the encapsulation is damaged.
    """
    for file, header in dict(zip(series.files, series.headers, strict=True)).items():
        if text(header.file_meta, "TransferSyntaxUID") in CHECKS:
            check_file(file)


def check_file(file: Path) -> None:
    """Like `check_frames`, of one file with compressed pixels."""
    image = dcmread(file)
    check = CHECKS[image.file_meta.TransferSyntaxUID]
    count = int(number(image, "NumberOfFrames") or 1)
    frames = list(generate_frames(image.PixelData, number_of_frames=count))
    if len(frames) != count:
        raise ScanError(f"{len(frames)} frames, and the header tells {count}")
    for frame in frames:
        check(frame, image)


def _size(header: Dataset) -> tuple[int, int]:
    return int(number(header, "Rows") or 0), int(number(header, "Columns") or 0)


def _jpeg(frame: bytes, header: Dataset) -> None:
    check_jpeg(frame, *_size(header))


def _rle(frame: bytes, header: Dataset) -> None:
    """PS3.5 annex G: one PackBits segment for each byte of each sample."""
    rows, columns = _size(header)
    count, *offsets = RLE_HEADER.unpack(frame[: RLE_HEADER.size])
    wanted = int((number(header, "SamplesPerPixel") or 1) * (number(header, "BitsAllocated") or 0) // 8)
    if count != wanted or count > len(offsets):
        raise ScanError(f"{count} RLE segments, wanted {wanted}")
    limits = [*offsets[:count], len(frame)]
    for start, end in pairwise(limits):
        if not RLE_HEADER.size <= start <= end:
            raise ScanError("RLE segments out of order")
        _unpacked(frame[start:end], rows * columns)


def _unpacked(segment: bytes, wanted: int) -> None:
    """Step from run to run; a byte of padding may follow the last (G.3.1, G.4)."""
    place = given = 0
    while given < wanted and place < len(segment):
        control = segment[place]
        given += 0 if control == 128 else control + 1 if control < 128 else 257 - control
        place += 1 if control == 128 else control + 2 if control < 128 else 2
    if given != wanted or not 0 <= len(segment) - place <= 1:
        raise ScanError(f"an RLE segment does not give just {wanted} bytes")


def _jpeg_ls(frame: bytes, header: Dataset) -> None:
    """The frame header of ITU-T T.87 C.2.2 and the end of image."""
    place = 2
    while (marker := frame[place + 1]) != JPEG_LS_FRAME:
        if frame[place] != 0xFF or marker == START_OF_SCAN:
            raise ScanError("no JPEG-LS frame header")
        place += 2 + int.from_bytes(frame[place + 2 : place + 4])
    if struct.unpack_from(">HH", frame, place + 5) != _size(header):
        raise ScanError("rows and columns of the codestream are not those of the header")
    if not frame.rstrip(b"\x00").endswith(END):
        raise ScanError("no end of image")


def _jpeg_2000(frame: bytes, header: Dataset) -> None:
    """Size (ITU-T T.800 A.5.1), and the chain of tile-parts up to the end of codestream (A.4.2, A.4.4)."""
    place = frame.index(CODESTREAM) if frame.startswith(BOXED) else 0
    if frame[place : place + 4] != CODESTREAM:
        raise ScanError("no start of codestream")
    right, bottom, left, top = struct.unpack_from(">4L", frame, place + 8)
    if (bottom - top, right - left) != _size(header):
        raise ScanError("rows and columns of the codestream are not those of the header")
    place += 2
    while (marker := int.from_bytes(frame[place : place + 2])) != 0xFFD9:
        (length,) = struct.unpack_from(">L", frame, place + 6) if marker == TILE_PART else (None,)
        if length == 0:  # to the end
            if not frame.rstrip(b"\x00").endswith(END):
                raise ScanError("no end of codestream")
            return
        place += length if length else 2 + int.from_bytes(frame[place + 2 : place + 4])
        if marker < 0xFF00 or place >= len(frame):
            raise ScanError("a tile-part is cut off")


CHECKS: Mapping[uid.UID, Check] = (
    dict.fromkeys((uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1), _jpeg)
    | dict.fromkeys((uid.JPEGLSLossless, uid.JPEGLSNearLossless), _jpeg_ls)
    | dict.fromkeys((uid.JPEG2000Lossless, uid.JPEG2000), _jpeg_2000)
    | dict.fromkeys((uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K), _jpeg_2000)
    | {uid.RLELossless: _rle}
)
