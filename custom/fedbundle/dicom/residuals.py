"""The independent check after de-identification: are the source's identifiers anywhere in what was written?

It knows nothing of how the output was made: it collects strings from source headers and looks for them in bytes.

What is an identifier (`identifiers`): person names, whole and in their parts; ids and places by attribute; dates;
UIDs that PS3.6 does not register. Left out are strings that would be found by chance or by design, and nothing else:
- parts of a name with fewer than 3 letters, other text with fewer than 4 characters (the whole name is still looked for);
- single words that our own files consist of (`OWN_WORDS`), such as a patient called "Test";
- dates that are dummies.

Where they are looked for (`residuals`): names of files and folders, and every byte of every file, packed (gzip,
base64 in pages) and unpacked. How:
- a date also in the ways people write it; a text as it is, in capitals, capitalised and (from 4 letters on) in small
  letters, with ^ as space or underscore, as JSON escapes and in the character sets of PS3.3 C.12.1.1.2;
- in voxels, where any 3 bytes turn up by chance, only strings of 6 and more bytes;
- short strings (below 8 bytes) as whole words only; digits only where no further digit touches them;
- a damaged gzip file counts as a finding, since nobody can say what it holds.
"""

import base64
import gzip
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.config import disable_value_validation
from pydicom.multival import MultiValue
from pydicom.uid import UID_dictionary

from fedbundle.dicom.allowed import DUMMY_DATE

ID_KEYWORDS = frozenset(
    [
        "PatientID",
        "OtherPatientIDs",
        "IssuerOfPatientID",
        "MedicalRecordLocator",
        "PatientAddress",
        "PatientTelephoneNumbers",
        "PatientTelecomInformation",
        "PatientComments",
        "AdditionalPatientHistory",
        "CountryOfResidence",
        "RegionOfResidence",
        "PatientInsurancePlanCodeSequence",
        "MilitaryRank",
        "Occupation",
        "PatientReligiousPreference",
        "AccessionNumber",
        "StudyID",
        "AdmissionID",
        "IssuerOfAdmissionID",
        "ServiceEpisodeID",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "PerformedProcedureStepID",
        "PlacerOrderNumberImagingServiceRequest",
        "FillerOrderNumberImagingServiceRequest",
        "InstitutionName",
        "InstitutionAddress",
        "InstitutionalDepartmentName",
        "RequestingService",
        "StationName",
        "DeviceSerialNumber",
        "PerformedStationName",
        "ScheduledStationName",
        "PerformedLocation",
        "ScheduledProcedureStepLocation",
        "CurrentPatientLocation",
        "PerformedStationAETitle",
        "ScheduledStationAETitle",
        "DetectorID",
        "GantryID",
        "CassetteID",
        "PlateID",
        "DeviceUID",
        "ReferringPhysicianAddress",
        "ReferringPhysicianTelephoneNumbers",
        "PersonAddress",
        "PersonTelephoneNumbers",
        "ResponsibleOrganization",
        "ClinicalTrialSubjectID",
        "ClinicalTrialSiteID",
        "ClinicalTrialSiteName",
        "ClinicalTrialProtocolID",
        "ImageComments",
    ]
)
OWN_WORDS = frozenset(
    [
        "affine",
        "anonymous",
        "approved",
        "axial",
        "background",
        "body",
        "bundle",
        "case",
        "cases",
        "choice",
        "code",
        "columns",
        "coronal",
        "cube",
        "dataset",
        "date",
        "datalist",
        "description",
        "detail",
        "dicom",
        "evaluation",
        "false",
        "federation",
        "fedbundle",
        "float",
        "frame",
        "geometry",
        "hospital",
        "image",
        "images",
        "input",
        "inputs",
        "label",
        "labels",
        "male",
        "mask",
        "masks",
        "medical",
        "modality",
        "name",
        "nifti",
        "null",
        "oblique",
        "origin",
        "original",
        "patient",
        "phantom",
        "pelvis",
        "pixel",
        "prostate",
        "reason",
        "refused",
        "rows",
        "sagittal",
        "scanner",
        "series",
        "sha256",
        "site",
        "size",
        "slice",
        "slices",
        "space",
        "spacing",
        "split",
        "splits",
        "string",
        "study",
        "test",
        "text",
        "time",
        "training",
        "transition",
        "transverse",
        "true",
        "unknown",
        "used",
        "validation",
        "version",
        "volume",
        "voxel",
        "weight",
        "zone",
        "zones",
    ]
)
CODECS = ("utf-8", "utf-16-le", "latin-1", *(f"iso8859-{n}" for n in (2, 5, 6, 7, 8, 9, 11)))
CODECS += ("shift_jis", "iso2022_jp_2", "euc_jp", "euc_kr", "gb18030")
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, NotImplementedError, OverflowError, IndexError)
DATE = re.compile(r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
DUMMY_DATES = frozenset({DUMMY_DATE, "00010101", "19700101", "18000101"})
BASE64 = re.compile(rb";base64,([A-Za-z0-9+/=]{16,})")
PIXEL_DATA = b"\xe0\x7f\x10\x00"
IN_VOXELS = 6  # bytes
WHOLE_WORD = 8  # bytes
MIN_LETTERS = 3
UNPACKABLE = "damaged gzip, which cannot be checked,"
MAX_TOLD = 100


def identifiers(dataset: Dataset) -> set[str]:
    """All identifying strings of a header, collected at every depth, by the rule that the module's docstring gives."""
    found: set[str] = set()
    with disable_value_validation():  # pydicom's warnings repeat the value
        for element in _elements(dataset):
            texts = _values(element.value)
            if element.VR == "PN":
                found.update(part for name in texts for part in _name_parts(name))
            elif element.VR == "UI":
                found.update(uid for uid in texts if uid not in UID_dictionary and len(uid) >= WHOLE_WORD)
            elif element.VR in ("DA", "DT"):
                found.update(text[:8] for text in texts)
            elif element.keyword in ID_KEYWORDS:
                found.update(text for text in texts if text.casefold() not in OWN_WORDS)
    return {text for text in found if _telling(text)}


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
                if place == UNPACKABLE or any(needles.hits(content, shortest)):
                    found.append(f"{place} of {_shown(relative, needles)}")
        if len(found) >= MAX_TOLD:
            break
    return found


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    for tag in dataset.keys():  # noqa: SIM118 -- iterating a Dataset stops at the first value that cannot be parsed
        try:
            element = dataset[tag]
        except UNREADABLE:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element


def _values(value: object) -> list[str]:
    parts = value if isinstance(value, MultiValue | list) else [value]
    return [text for part in parts if part is not None and (text := str(part).strip(" \0"))]


def _name_parts(name: str) -> Iterator[str]:
    """The whole name, each group (letters, ideographs, phonetics), and each word of it."""
    yield name
    for group in name.split("="):
        yield group.strip(" ^")
        for word in re.split(r"[\s^=,;]+", group):
            if word.casefold() not in OWN_WORDS:
                yield word
            if all(part.isalpha() for part in word.split("-")):
                yield from (part for part in word.split("-") if part.casefold() not in OWN_WORDS)


def _telling(text: str) -> bool:
    if DATE.fullmatch(text):
        return text not in DUMMY_DATES
    if text.isascii():
        return sum(map(str.isalnum, text)) >= (3 if text.isalpha() else 4)
    return len(text) >= 2  # one ideograph is a common word, two are a name


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

    def hits(self, content: bytes, shortest: int = 1) -> Iterator[int]:
        """Offsets of needles of at least `shortest` bytes in `content`."""
        codes = np.frombuffer(content, dtype=np.uint8)
        if len(codes) < 3:
            return
        pairs = codes[:-2].astype(np.uint16) << 8 | codes[1:-1]
        for offset in np.flatnonzero(self.heads[pairs] & self.thirds[codes[2:]]).tolist():
            for length, needles in self.by_head.get(content[offset : offset + 3], {}).items():
                found = content[offset : offset + length]
                if length >= shortest and found in needles and _stands_alone(content, offset, found):
                    yield offset

    def in_text(self, text: str) -> bool:
        """Whether an identifier stands in `text`."""
        return any(self.hits(text.encode("utf-8", "surrogateescape")))


def _encoded(name: str) -> Iterator[bytes]:
    for text in _spellings(name):
        for codec in ("utf-8", "utf-16-le") if text.isascii() else CODECS:
            try:
                needle = text.encode(codec)
            except UnicodeEncodeError:
                continue
            if len(needle) >= MIN_LETTERS:
                yield needle


def _stands_alone(content: bytes, offset: int, needle: bytes) -> bool:
    neighbours = (content[offset - 1 : offset] if offset else b"") + content[offset + len(needle) :][:1]
    if len(needle) < WHOLE_WORD:
        return not any(chr(byte).isalnum() and byte < 128 for byte in neighbours)
    return not (needle.isdigit() and any(chr(byte).isdigit() for byte in neighbours))


def _regions(path: Path) -> Iterator[tuple[str, bytes, int]]:
    """Parts of a file: where it is, its bytes, and the shortest needle that means something there."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        yield "gzip header", _gzip_header(content), 1
        yield "packed bytes", content, IN_VOXELS
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
    if content[344:348] in (b"n+1\0", b"ni1\0"):
        start = int(struct.unpack("<f", content[108:112])[0])
    elif content[128:132] == b"DICM":
        start = content.find(PIXEL_DATA)
    elif b"\0" in content[:1024]:
        start = 0
    else:
        start = len(content)
    start = start if 0 <= start <= len(content) else len(content)
    return content[:start], content[start:]


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
