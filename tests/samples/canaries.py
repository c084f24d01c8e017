"""A canary in every attribute of PS3.15 Table E.1-1, at every depth and in every corner of a file, and who finds them.

The table is that of dicom-anonymizer (edition 2026c), as data. Each canary is a value of its own, so a survivor names
its attribute. They are searched for in the bytes of what a tool wrote, and where a value is too short to be told in
bytes, at its place in the data set; nothing of fedbundle takes part in the search.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.tag import Tag
from samples.dicom_series import Stack, make_slices

DEPTHS = (0, 1, 2, 3)
CORNERS = "corners"
NEST = "AnatomicRegionSequence"  # itself not in the table
ROOT = "1.2.826.0.1.3680043.10.999"
TEXTS = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "AE", "UR"})
BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
NUMBERS: dict[str, Any] = {"US": 54321, "SS": -12321, "UL": 3123456789, "SL": -1234567, "FL": 1.5, "FD": 2.25}
NUMBERS |= {"DS": "321.5", "IS": "321321", "AS": "063Y", "CS": "CANARY", "AT": 0x00100010}


def attributes() -> list[tuple[int, str, str]]:
    """Tag, VR and keyword of each attribute of the table that PS3.6 names; groups of tags are planted as corners."""
    listed = {tag for name in dir(table) if name.endswith("_TAGS") for tag in getattr(table, name) if len(tag) == 2}
    found = []
    for group, element in sorted(listed):
        tag = Tag(group, element)
        keyword = keyword_for_tag(tag)
        if keyword and group > 0x0002:
            found.append((int(tag), dictionary_VR(tag).split(" or ")[0], keyword))
    return found


@dataclass(frozen=True)
class Canary:
    """One planted value; `pattern` finds it in bytes, None where only its place tells."""

    what: str
    path: tuple[int, ...]  # tags from the top; empty outside of the data set
    value: Any
    pattern: bytes | None


class Cage:
    """A file with canaries in it."""

    def __init__(self, place: int | str) -> None:
        self.place = place
        (self.image,) = make_slices(Stack(slices=1))
        self.canaries: list[Canary] = []
        self.count = 100_000 * (DEPTHS.index(place) + 1 if isinstance(place, int) else 9)
        if isinstance(place, int):
            self._plant_table(place)
        else:
            self._plant_corners()

    def write(self, path: Path) -> Path:
        """Write the file."""
        self.image.save_as(path, enforce_file_format=True)
        return path

    def survivors(self, path: Path) -> list[str]:
        """Attributes whose canary is still in a file that a tool wrote from this one."""
        content = path.read_bytes()
        written = dcmread(path, force=True)
        return [canary.what for canary in self.canaries if _lives(canary, content, written)]

    def _plant_table(self, depth: int) -> None:
        item, path = self.image, ()
        for _ in range(depth):
            setattr(item, NEST, [Dataset()])
            item, path = item[NEST].value[0], (*path, int(item[NEST].tag))
        for tag, vr, keyword in attributes():
            value, pattern = self._value(vr)
            item.add_new(tag, vr, value)
            self.canaries.append(Canary(keyword, (*path, tag), value, pattern))
        if depth == 0:
            self.image.file_meta.MediaStorageSOPInstanceUID = self.image.SOPInstanceUID

    def _value(self, vr: str) -> tuple[Any, bytes | None]:
        self.count += 1
        word = f"CANARY{self.count}"
        if vr in TEXTS:
            return word, word.encode()
        if vr == "PN":
            return f"{word}^Bird", word.encode()
        if vr == "UI":
            return f"{ROOT}.{self.count}", re.escape(f"{ROOT}.{self.count}".encode()) + rb"(?!\d)"
        if vr in ("DA", "DT"):
            day = (date(1850, 1, 1) + timedelta(days=self.count % 100_000 + 10_000 * (self.count // 100_000))).strftime(
                "%Y%m%d"
            )
            return day + ("101112" if vr == "DT" else ""), rb"(?<!\d)" + day.encode()
        if vr == "TM":
            time = f"111213.{self.count:06d}"
            return time, time.encode()
        if vr == "SQ":
            inner = Dataset()
            inner.CodeMeaning = word
            return [inner], word.encode()
        if vr in BYTES:
            return word.encode().ljust(24, b"\0"), word.encode()
        return NUMBERS[vr], None

    def _plant_corners(self) -> None:
        image = self.image
        for creator, group in (("CANARY CREATOR", 0x0029), ("SIEMENS CSA HEADER", 0x0051)):
            block = image.private_block(group, creator, create=True)
            for vr in ("LO", "PN", "OB", "DA", "UI", "SQ"):
                value, pattern = self._value(vr)
                block.add_new(0x10 + len(self.canaries) % 200, vr, value)
                self.canaries.append(Canary(f"private {vr} in {group:04x}", (), value, pattern))
        self._corner(
            "private creator", lambda word: image.private_block(0x0031, word, create=True).add_new(1, "LO", "x")
        )
        self._corner("overlay data", lambda word: image.add_new(0x60003000, "OW", word.encode().ljust(200, b"\0")))
        self._corner("overlay description", lambda word: image.add_new(0x60000022, "LO", word))
        self._corner("curve data", lambda word: image.add_new(0x50003000, "OW", word.encode().ljust(200, b"\0")))
        self._corner("curve label", lambda word: image.add_new(0x50002500, "LO", word))
        self._corner("behind the pixels", lambda word: setattr(image, "PixelData", image.PixelData + word.encode()))
        self._corner("trailing padding", lambda word: image.add_new(0xFFFCFFFC, "OB", word.encode()))
        self._corner("preamble", lambda word: setattr(image, "preamble", word.encode().ljust(128, b"\0")))
        meta = image.file_meta
        for name in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ImplementationVersionName"):
            self._corner(f"file meta {name}", lambda word, name=name: setattr(meta, name, word))
        meta.PrivateInformationCreatorUID = f"{ROOT}.1"
        self._corner("file meta PrivateInformation", lambda word: setattr(meta, "PrivateInformation", word.encode()))

    def _corner(self, what: str, plant: Any) -> None:
        word, pattern = self._value("LO")
        plant(word)
        self.canaries.append(Canary(what, (), word, pattern))


def _lives(canary: Canary, content: bytes, written: Dataset) -> bool:
    if canary.pattern is not None:
        return re.search(canary.pattern, content) is not None
    return any(value == canary.value or str(value) == str(canary.value) for value in _at(written, canary.path))


def _at(item: Dataset, path: tuple[int, ...]) -> Iterator[Any]:
    """Values at a path of tags."""
    if path[0] not in item:
        return
    value = item[path[0]].value
    if len(path) == 1:
        yield value
    else:
        for inner in value or []:
            yield from _at(inner, path[1:])
