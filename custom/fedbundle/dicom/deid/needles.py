"""Find any of many identifiers in bytes, in one pass, in the spellings that people and programs give them.

- a date also in the ways people write it; a text as it is, in capitals, capitalised and (from 4 letters on) in small
  letters, with ^ as space or underscore, as JSON escapes and in the character sets of PS3.3 C.12.1.1.2;
- short strings (below 8 bytes) as whole words only, short numbers not as parts of decimal numbers; longer numbers only
  where no further digit touches them.
"""

import json
from collections.abc import Iterator

import numpy as np

from fedbundle.dicom.deid.identifiers import DATE, MIN_LETTERS

CODECS = ("utf-8", "latin-1", *(f"iso8859-{n}" for n in (2, 5, 6, 7, 8, 9, 11)))
CODECS += ("shift_jis", "iso2022_jp_2", "euc_jp", "euc_kr", "gb18030")
WHOLE_WORD = 8  # bytes
MIN_WIDE = 6  # characters
DIGITS = b"0123456789"
LETTERS_DIGITS = DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBER_PARTS = LETTERS_DIGITS + b".+-"


class Needles:
    """All spellings of all identifiers, found in one pass over the bytes."""

    def __init__(self, names: set[str]) -> None:
        self.by_head: dict[bytes, dict[int, set[bytes]]] = {}  # first 3 bytes -> length -> needles
        self.heads = np.zeros(2**16, dtype=bool)  # whether a needle begins with these two bytes
        self.thirds = np.zeros(2**8, dtype=bool)  # whether a needle has this third byte
        for needle in {item for name in names for item in _encoded(name)}:
            self.by_head.setdefault(needle[:3], {}).setdefault(len(needle), set()).add(needle)
            self.heads[needle[0] << 8 | needle[1]] = True
            self.thirds[needle[2]] = True

    def found_in(self, content: bytes, shortest: int = 1) -> bool:
        """Whether a needle of at least `shortest` bytes stands in `content`."""
        codes = np.frombuffer(content, dtype=np.uint8)
        if len(codes) < MIN_LETTERS:
            return False
        pairs = codes[:-2].astype(np.uint16) << 8 | codes[1:-1]
        for offset in np.flatnonzero(self.heads[pairs] & self.thirds[codes[2:]]).tolist():
            for length, needles in self.by_head.get(content[offset : offset + 3], {}).items():
                found = content[offset : offset + length]
                if length >= shortest and found in needles and _stands_alone(content, offset, found):
                    return True
        return False

    def in_text(self, text: str) -> bool:
        """Whether an identifier stands in `text`."""
        return self.found_in(text.encode("utf-8", "surrogateescape"))


def _encoded(name: str) -> Iterator[bytes]:
    for text in _spellings(name):
        for codec in ("utf-8",) if text.isascii() else CODECS:
            try:
                needle = text.encode(codec)
            except UnicodeEncodeError:
                continue
            if len(needle) >= MIN_LETTERS:
                yield needle
        if len(text) >= MIN_WIDE:  # fewer turn up by chance as voxels of 16 bits
            yield text.encode("utf-16-le")


def _spellings(name: str) -> Iterator[str]:
    yield name
    if DATE.fullmatch(name):
        year, month, day = name[:4], name[4:6], name[6:]
        for mark in "-./":
            yield mark.join((year, month, day))
            yield mark.join((day, month, year))
            yield mark.join((month, day, year))
    elif not name.replace(".", "").isdigit():
        spoken = (name, name.replace("^", " "), name.replace("^", "_"))
        for text in spoken:
            yield from (text, text.upper(), text.title())
            if len(text) > MIN_LETTERS:
                yield text.lower()
        yield from (json.dumps(text)[1:-1] for text in spoken if not text.isascii())


def _stands_alone(content: bytes, offset: int, needle: bytes) -> bool:
    before, after = content[max(0, offset - 1) : offset], content[offset + len(needle) :][:1]
    if len(needle) >= WHOLE_WORD and not needle.isdigit():
        return True
    touching = DIGITS if len(needle) >= WHOLE_WORD else NUMBER_PARTS if needle.isdigit() else LETTERS_DIGITS
    return not (before and before in touching) and not (after and after in touching)
