"""Does a JPEG codestream hold all of its pixels? Its Huffman codes are counted, without decoding them (ITU-T T.81).

A decoder that meets the end of the data too early fills the rest with grey, and one that lost its place goes on with
noise; neither says so. Data without a gap hold exactly the codes that the frame header announces.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BASELINE, EXTENDED, LOSSLESS = 0xC0, 0xC1, 0xC3  # SOF markers of processes 1, 2 and 4, and 14
OTHER_FRAMES = frozenset({0xC2, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
SOI, EOI, SOS, DHT, DRI, DNL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD, 0xDC
MARKER = re.compile(rb"\xff+([\x01-\xfe])")
END_OF_SCAN = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
WINDOW = 16  # bits of the longest code
NO_CODE = 255  # length of what is no code; it leads past the end
BLOCK = 64  # coefficients
END_OF_BLOCK = 128  # how far its code leads: past any run of coefficients
CHUNK = 1 << 19  # bytes whose codes are looked up at once


class ScanError(ValueError):
    """A codestream that is damaged, or not of the JPEG processes that DICOM uses."""


@dataclass(frozen=True)
class Table:
    """For every 16 bits that may follow: the length of the first code with its extra bits, and what it stands for."""

    length: NDArray[np.uint8]
    coefficients: NDArray[np.uint8]  # AC codes only: how far it leads in the block


@dataclass
class Frame:
    """What the segments before a scan tell."""

    process: int = 0
    rows: int = 0
    columns: int = 0
    samples: dict[int, tuple[int, int]] = field(default_factory=dict)  # component -> horizontal, vertical factor
    tables: dict[tuple[int, int], Table] = field(default_factory=dict)  # (class, identifier), class 0 DC, 1 AC
    interval: int = 0  # MCUs between restart markers, 0 = none


def check_jpeg(stream: bytes, rows: int, columns: int) -> None:
    """Refuse a frame that lacks codes or holds too many.

    Args:
        stream: one frame of processes 1, 2, 4 or 14 (PS3.5 8.2.1), SOI first.
        rows: as the DICOM header tells.
        columns: likewise.

    Raises:
        ScanError: it is damaged, of another size, or of another process.
    """
    frame, seen = Frame(), 0
    for marker, content, place in _segments(stream):
        if marker in OTHER_FRAMES:
            raise ScanError(f"process of SOF marker {marker:#x}, which no readable transfer syntax uses")
        if marker in (BASELINE, EXTENDED, LOSSLESS):
            _read_frame(frame, marker, content)
            if (frame.rows, frame.columns) != (rows, columns):
                raise ScanError(f"{frame.rows} rows, {frame.columns} columns, and the header tells others")
        elif marker == DHT:
            frame.tables |= dict(_tables(content))
        elif marker == DRI:
            (frame.interval,) = struct.unpack(">H", content[:2])
        elif marker == SOS:
            seen += _check_scan(frame, content, _entropy_coded(stream, place))
    if not frame.samples or seen != len(frame.samples):
        raise ScanError(f"{seen} components of {len(frame.samples)}")


def _segments(stream: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content, and where the segment ends."""
    if stream[:2] != bytes([0xFF, SOI]):
        raise ScanError("no start of image")
    place = 2
    while place < len(stream) and (found := MARKER.match(stream, place)) and found[1][0] != EOI:
        start = found.end()
        length = int.from_bytes(stream[start : start + 2])
        if length < 2 or start + length > len(stream):
            raise ScanError("a segment is cut off")
        place = start + length
        yield found[1][0], stream[start + 2 : place], place
        if found[1][0] == SOS:
            place += len(_entropy_coded(stream, place))


def _entropy_coded(stream: bytes, start: int) -> bytes:
    end = END_OF_SCAN.search(stream, start)
    return stream[start : end.start() if end else len(stream)]


def _read_frame(frame: Frame, process: int, content: bytes) -> None:
    frame.process = process
    _, frame.rows, frame.columns, count = struct.unpack(">BHHB", content[:6])
    parts = [content[6 + 3 * i : 9 + 3 * i] for i in range(count)]
    if not frame.rows or not frame.columns or not all(len(part) == 3 for part in parts):
        raise ScanError("a frame header without its size")
    frame.samples = {part[0]: (part[1] >> 4, part[1] & 15) for part in parts}
    if not all(1 <= factor <= 4 for factors in frame.samples.values() for factor in factors):
        raise ScanError("impossible sampling factors")


def _tables(content: bytes) -> Iterator[tuple[tuple[int, int], Table]]:
    """Huffman tables of a DHT segment (T.81 B.2.4.2, C.2)."""
    while content:
        kind, counts = content[0], content[1:17]
        values, content = content[17 : 17 + sum(counts)], content[17 + sum(counts) :]
        if len(counts) != WINDOW or len(values) != sum(counts):
            raise ScanError("a Huffman table is cut off")
        yield (kind >> 4, kind & 15), _table(counts, values, ac=bool(kind >> 4))


def _table(counts: bytes, values: bytes, ac: bool) -> Table:
    length, coefficients = (np.full(1 << WINDOW, fill, np.uint8) for fill in (NO_CODE, 0))
    code, coded = 0, iter(values)
    for bits, count in enumerate(counts, start=1):
        for value in (next(coded) for _ in range(count)):
            same = slice(code << (WINDOW - bits), (code + 1) << (WINDOW - bits))
            run, size = (value >> 4, value & 15) if ac else (0, value % 16)  # category 16 has no extra bits
            length[same] = bits + size
            coefficients[same] = run + 1 if size or run == 15 else END_OF_BLOCK
            code += 1
        if code > 1 << bits:
            raise ScanError("a Huffman table with too many codes")
        code <<= 1
    return Table(length, coefficients)


def _check_scan(frame: Frame, content: bytes, data: bytes) -> int:
    """Count the codes of one scan; returns how many components it holds."""
    count = content[0] if content else 0
    chosen = [(content[1 + 2 * i], content[2 + 2 * i]) for i in range(count) if 2 + 2 * i < len(content)]
    if len(chosen) != count or not count or any(component not in frame.samples for component, _ in chosen):
        raise ScanError("a scan header without a frame header that fits it")
    units: list[tuple[Table, Table | None]] = []
    for component, selectors in chosen:
        across, down = frame.samples[component] if count > 1 else (1, 1)
        units += [_tables_of(frame, selectors)] * (across * down)
    mcus = _mcus(frame, [component for component, _ in chosen])
    each = frame.interval or mcus
    wanted = [min(each, mcus - start) for start in range(0, mcus, each)]
    intervals = RESTART.split(data)
    if len(intervals) != len(wanted):
        raise ScanError(f"{len(intervals)} restart intervals, wanted {len(wanted)}")
    for interval, size in zip(intervals, wanted, strict=True):
        _count(interval.replace(b"\xff\x00", b"\xff"), units, size * len(units))
    return count


def _tables_of(frame: Frame, selectors: int) -> tuple[Table, Table | None]:
    try:
        dc = frame.tables[0, selectors >> 4]
        return dc, None if frame.process == LOSSLESS else frame.tables[1, selectors & 15]
    except KeyError:
        raise ScanError("a scan without its Huffman table") from None


def _mcus(frame: Frame, components: Sequence[int]) -> int:
    """Minimum coded units of a scan (T.81 A.2)."""
    side = 1 if frame.process == LOSSLESS else 8
    widest, tallest = (max(factors[i] for factors in frame.samples.values()) for i in (0, 1))
    if len(components) > 1:
        return -(-frame.columns // (side * widest)) * -(-frame.rows // (side * tallest))
    across, down = frame.samples[components[0]]
    columns, rows = -(-frame.columns * across // widest), -(-frame.rows * down // tallest)
    return -(-columns // side) * -(-rows // side)


@dataclass
class _Place:
    """How far the data are read."""

    bit: int
    left: int  # pixels or blocks that must still come
    unit: int = 0  # of the blocks of an MCU, which is next
    coefficient: int = 0  # of a block, which is next


def _count(data: bytes, units: Sequence[tuple[Table, Table | None]], wanted: int) -> None:
    """Step from code to code through the data until `wanted` pixels or blocks are found; less than a byte may remain.

    Looking up what begins at each bit, for all bits at once, leaves one addition per code for the loop.
    """
    tables = {id(table): table for unit in units for table in unit if table}
    place = _Place(0, wanted)
    for start in range(0, len(data), CHUNK):
        size = min(CHUNK, len(data) - start)
        windows = _windows(data[start : start + size + 2], size)
        looked_up = {
            key: (table.length[windows].tobytes(), table.coefficients[windows].tobytes())
            for key, table in tables.items()
        }
        if len(units) == 1 and units[0][1] is None:
            _step_pixels(place, looked_up[id(units[0][0])][0])
        else:
            _step_blocks(place, [tuple(looked_up.get(id(table)) for table in unit) for unit in units])
        place.bit -= 8 * size
    if place.left or place.bit > 0:
        raise ScanError(f"data end {max(place.left, 1)} of {wanted} blocks or pixels too early")
    if place.bit <= -8:
        raise ScanError(f"{-place.bit // 8} bytes remain after the last pixel")


def _step_pixels(place: _Place, length: bytes) -> None:
    """Through the lossless codes of one component, most of all there are."""
    bit, left, end = place.bit, place.left, len(length)
    while bit < end and left:
        bit += length[bit]
        left -= 1
    place.bit, place.left = bit, left


def _step_blocks(place: _Place, units: Sequence[tuple[tuple[bytes, bytes] | None, ...]]) -> None:
    bit, coefficient = place.bit, place.coefficient
    while place.left:
        first, others = units[place.unit]
        if coefficient == 0 and first:
            if bit >= len(first[0]):
                break
            bit += first[0][bit]
            coefficient = 1
        if others:
            length, step = others
            end = len(length)
            while bit < end and coefficient < BLOCK:
                coefficient += step[bit]
                bit += length[bit]
            if coefficient < BLOCK:
                break
            if BLOCK < coefficient < END_OF_BLOCK:
                raise ScanError("a block of more than 64 coefficients")
        coefficient, place.left, place.unit = 0, place.left - 1, (place.unit + 1) % len(units)
    place.bit, place.coefficient = bit, coefficient


def _windows(data: bytes, size: int) -> NDArray[np.uint16]:
    """The 16 bits that follow each bit of the first `size` bytes; ones follow the last byte, as in T.81 F.1.2.3."""
    padded = np.frombuffer(data + b"\xff" * (size + 2 - len(data)), np.uint8).astype(np.uint32)
    joined = padded[:size] << 16 | padded[1 : size + 1] << 8 | padded[2 : size + 2]
    return (joined[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).ravel()
