"""The independent check after de-identification: is an identifier of the source left in what was written?

It knows nothing of how the output was made: strings collected from source headers are looked for in bytes. Searched
are the names of files and folders and every byte of every file, gzip and base64 (pictures in pages) unpacked. Among
voxels, where any 3 bytes turn up by chance, only strings of 6 and more bytes mean something. A damaged gzip file
counts as a finding, since nobody can say what it holds.
"""

import base64
import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from fedbundle.dicom.deid.needles import Needles
from fedbundle.dicom.header import PIXEL_DATA

BASE64 = re.compile(rb";base64,([A-Za-z0-9+/=]{16,})")
IN_VOXELS = 6  # bytes
UNPACKABLE = "damaged gzip, which cannot be checked,"
MAX_TOLD = 100


def residuals(folder: Path, names: set[str]) -> list[str]:
    """Say where in `folder` an identifier is left, without repeating it; an empty list means that none was found.

    Args:
        folder: what was written; hidden files and whatever lies in subfolders included.
        names: from `identifiers`, of all headers of all sources.
    """
    needles = Needles(names)
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if needles.in_text(path.name):
            found.append(f"name of an entry in folder {_shown(relative.parent, needles)}")
        if path.is_file():
            for place, content, shortest in _regions(path):
                if place == UNPACKABLE or needles.found_in(content, shortest):
                    found.append(f"{place} of {_shown(relative, needles)}")
        if len(found) >= MAX_TOLD:
            break
    return found


def _regions(path: Path) -> Iterator[tuple[str, bytes, int]]:
    """Parts of a file: where it is, its bytes, and the shortest needle that means something there."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        yield "gzip header", _gzip_header(content), 1
        try:
            with gzip.open(path) as stream:
                content = stream.read()
        except (OSError, EOFError, zlib.error):
            yield UNPACKABLE, content, 0
            return
    for match in BASE64.finditer(content):
        yield "embedded picture", base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4)), IN_VOXELS
    header, voxels = _split(BASE64.sub(b"", content))
    yield "text or header", header, 1
    yield "voxels", voxels, IN_VOXELS


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Header or text, and the bytes in which short strings turn up by chance."""
    start: float = len(content)
    if content[344:348] in (b"n+1\0", b"ni1\0"):
        (start,) = struct.unpack("<f", content[108:112])
    elif content[128:132] == b"DICM":
        start = content.find(PIXEL_DATA)
    elif b"\0" in content[:1024]:
        start = 0
    end = int(start) if 0 <= start <= len(content) else len(content)
    return content[:end], content[end:]


def _gzip_header(content: bytes) -> bytes:
    """Optional fields of a gzip header (RFC 1952): extra, name, comment."""
    flags, end = content[3], 10
    if flags & 4:
        end += 2 + int.from_bytes(content[10:12], "little")
    for _ in range(bool(flags & 8) + bool(flags & 16)):
        end = content.find(b"\0", end) + 1 or len(content)
    return content[10:end]


def _shown(relative: Path, needles: Needles) -> str:
    parts = ["(name withheld)" if needles.in_text(part) else part for part in relative.parts]
    return "/".join(parts) or "."
