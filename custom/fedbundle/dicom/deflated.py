"""Deflated data sets (PS3.5 A.5) that would fill the memory: readers inflate them whole, so they are measured first."""

import struct
import zlib
from pathlib import Path

from pydicom.uid import DeflatedExplicitVRLittleEndian

START = 1024  # bytes; the transfer syntax stands in the first few hundred
META = 144  # bytes of preamble, magic and FileMetaInformationGroupLength, whose value ends them (PS3.10 7.1)
MOST_RATIO = 200  # inflated to deflated
HARMLESS = 64 << 20  # bytes inflated; below it no ratio does harm
MOST_INFLATED = 8 << 30  # bytes
CHUNK = 1 << 20


def is_bomb(path: Path) -> bool:
    """Whether a file claims to be deflated, and gives more than its size can mean, or tells no length of its meta.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(START)
        if DeflatedExplicitVRLittleEndian.encode() not in start:
            return False
        (length,) = struct.unpack_from("<L", start, META - 4)
        file.seek(META + length)
        inflater, given, taken = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
        waiting = b""
        try:
            while not inflater.eof:
                if not waiting:
                    waiting = file.read(CHUNK)
                    taken += len(waiting)
                    if not waiting:
                        return False  # cut off; whoever reads it will say so
                given += len(inflater.decompress(waiting, CHUNK))
                waiting = inflater.unconsumed_tail
                if given > MOST_INFLATED or given > max(HARMLESS, MOST_RATIO * taken):
                    return True
        except zlib.error:  # not deflated at all; whoever reads it will say so
            return False
    return False
