"""Headers of plain files (PS3.10 7.1, little endian, PS3.5 7.1): the common case, without a full reader.

Reading a folder, pydicom spends most of its time on file positions and calls for each element. Here the same raw
elements are cut from one block of bytes; pydicom decodes them when somebody asks, and reads what is not plain: whole
files in another encoding, and within a file the sequences of undefined length.
"""

import struct
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import uid
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32
from pydicom.values import convert_string

from fedbundle.dicom.header import tag_of

PREAMBLE, MAGIC = 128, b"DICM"
EXPLICIT, IMPLICIT = struct.Struct("<HH2sH"), struct.Struct("<HHL")  # group, element, VR and length, or length
LENGTH = struct.Struct("<L")  # of a long VR
SHORT_VR = {vr.value.encode(): vr.value for vr in EXPLICIT_VR_LENGTH_16}
LONG_VR = {vr.value.encode(): vr.value for vr in EXPLICIT_VR_LENGTH_32}
EMPTY: dict[str | None, Any] = {
    vr: empty_value_for_VR(vr, raw=True) for vr in (None, *SHORT_VR.values(), *LONG_VR.values())
}
UNDEFINED = 0xFFFFFFFF  # length
META = 0x0002  # group
CHARACTER_SET, TRANSFER_SYNTAX = tag_of(0x00080005), tag_of(0x00020010)
DELIMITERS = 0xFFFE  # group of what has no place outside a sequence
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})  # float, double, and Pixel Data
NOT_PLAIN = frozenset({"", uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian})

Elements = dict[BaseTag, Any]  # raw, and decoded sequences


def read_plain(path: Path, start: bytes, deferred: int) -> FileDataset | None:
    """The header that pydicom's `dcmread(path, stop_before_pixels=True, defer_size=deferred)` gives of a plain file.

    Args:
        path: the file.
        start: its first bytes.
        deferred: length in bytes; longer elements are read from the file when someone asks for them.

    Returns:
        None where pydicom must read the file: `start` does not reach the pixels, there is no preamble, the encoding
        is another one than the transfer syntax tells or none of the two of little endian, a VR is unknown.
    """
    if start[PREAMBLE : PREAMBLE + len(MAGIC)] != MAGIC:
        return None
    try:
        meta, at = _elements(start, PREAMBLE + len(MAGIC), deferred, implicit=False, meta=True)
        syntax = _uid(meta[TRANSFER_SYNTAX].value) if TRANSFER_SYNTAX in meta else ""
        implicit = syntax == uid.ImplicitVRLittleEndian
        if syntax in NOT_PLAIN or implicit == start[at + 4 : at + 6].isalpha():
            return None
        found, _ = _elements(start, at, deferred, implicit=implicit, meta=False)
        encodings = _encodings(found[CHARACTER_SET].value) if CHARACTER_SET in found else default_encoding
    except Exception:  # of hostile bytes, or of a block that ends too early; pydicom's own reader has the last word
        return None
    told = FileMetaDataset(meta)
    told.set_original_encoding(False, True, default_encoding)
    header = FileDataset(path, found, start[:PREAMBLE], told, is_implicit_VR=implicit, is_little_endian=True)
    header.set_original_encoding(implicit, True, encodings)
    return header


def _elements(block: bytes, at: int, deferred: int, *, implicit: bool, meta: bool) -> tuple[Elements, int]:
    """Elements from byte `at` on, to the end of the file meta information or to the pixels; where that is.

    Raises:
        struct.error: the block ends before, and others of what pydicom raises on malformed sequences.
        ValueError: something that is not plain.
    """
    found: Elements = {}
    name: str | None = None
    while True:
        begin = at
        if implicit:
            group, element, length = IMPLICIT.unpack_from(block, at)
        else:
            group, element, vr, length = EXPLICIT.unpack_from(block, at)
        number = group << 16 | element
        if (group != META) if meta else (number in PIXELS):
            return found, begin
        at += 8
        if not implicit and (name := SHORT_VR.get(vr)) is None:
            name = LONG_VR[vr]
            (length,) = LENGTH.unpack_from(block, at)
            at += LENGTH.size
        tag = tag_of(number)
        if group == DELIMITERS:
            raise ValueError
        if length == UNDEFINED:
            found[tag], at = _read_by_pydicom(block, begin, implicit, found)
            continue
        if not length:
            value = EMPTY[name]
        elif length > deferred and number != CHARACTER_SET:
            value = None
        else:
            value = block[at : at + length]  # whole, since the next element is looked for behind it
        found[tag] = RawDataElement(tag, name, length, value, at, implicit, True)
        at += length


def _read_by_pydicom(block: bytes, at: int, implicit: bool, before: Elements) -> tuple[Any, int]:
    """The element of undefined length at byte `at`, nearly always a sequence, and where the next one begins."""
    encodings = _encodings(before[CHARACTER_SET].value) if CHARACTER_SET in before else default_encoding
    stream = BytesIO(block)
    stream.seek(at)
    return next(data_element_generator(stream, implicit, True, encoding=encodings)), stream.tell()


@lru_cache
def _encodings(character_set: bytes) -> str | list[str]:
    """What Python calls the character sets of (0008,0005)."""
    return convert_encodings(convert_string(character_set or b"", True)) or default_encoding


@lru_cache
def _uid(stored: bytes) -> str:
    return stored.decode("ascii").rstrip("\0 ")
