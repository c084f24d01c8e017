"""Read the measurement groups of a TID 1500 report item by item; apart from what wrote it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.sr.coding import Code

from fedbundle.dicom.header import MALFORMED, items, number, text
from fedbundle.dicom.sr.group import SIDES, Group, Quantity
from fedbundle.errors import SegmentationError

GROUP, IDENTIFIER, UNIQUE = "125007", "112039", "112040"  # Measurement Group, Tracking Identifier and its UID; DCM
FINDING, CATEGORY = Code("121071", "DCM", "Finding"), Code("276214006", "SCT", "Finding category")
SITE, LATERALITY = Code("363698007", "SCT", "Finding Site"), Code("272741003", "SCT", "Laterality")
DERIVATION = Code("121401", "DCM", "Derivation")


@dataclass(frozen=True)
class Read:
    """A measurement group, and the instances to which it refers."""

    group: Group
    refers_to: tuple[str, ...]  # SOP Instance UIDs: of the SEG, or of the images


def read_report(path: Path) -> tuple[list[Read], Dataset]:
    """Every measurement group with all that `Group` holds; and the header.

    Raises:
        SegmentationError: it is no DICOM SR that can be read.
    """
    try:
        file = dcmread(path)
        if not items(file, "ContentSequence"):  # cut between two elements, as a header alone would be
            raise EOFError("no content")
        return [_read(item) for item in _containers(file) if _concept(item).value == GROUP], file
    except (*MALFORMED, OSError, EOFError, StopIteration) as error:
        raise SegmentationError(
            f"report must be a whole DICOM SR, got {type(error).__name__} reading it; make it again"
        ) from error


def _containers(content: Dataset) -> list[Dataset]:
    """Containers below an item, at every depth, in their order."""
    found = []
    for item in items(content, "ContentSequence"):
        if text(item, "ValueType") == "CONTAINER":
            found += [item, *_containers(item)]
    return found


def _read(item: Dataset) -> Read:
    inside = items(item, "ContentSequence")
    coded = [(_concept(each), _value(each), each) for each in inside if text(each, "ValueType") == "CODE"]
    own = {name: value for name, value, _ in coded if name in (FINDING, CATEGORY, SITE)}
    sides = [side for name, _, each in coded if name == SITE for side in _coded_below(each, LATERALITY)]
    images = [each for item in inside for each in items(item, "ReferencedSOPSequence")]
    numbers = [number(each, "ReferencedSegmentNumber") for each in images if "ReferencedSegmentNumber" in each]
    group = Group(
        label=next(text(each, "TextValue") for each in inside if _concept(each).value == IDENTIFIER),
        uid=next(text(each, "UID") for each in inside if _concept(each).value == UNIQUE),
        quantities=tuple(_quantity(each) for each in inside if text(each, "ValueType") == "NUM"),
        finding=own.get(FINDING),
        category=own.get(CATEGORY),
        site=own.get(SITE),
        side=next((name for name, code in SIDES.items() if code in sides), "") if sides else "",
        words=tuple((name, value) for name, value, _ in coded if name not in own),
        segment=int(numbers[0] or 0) if numbers else None,
    )
    return Read(group, tuple(text(each, "ReferencedSOPInstanceUID") for each in images))


def _quantity(item: Dataset) -> Quantity:
    (measured,) = items(item, "MeasuredValueSequence")
    exact = number(measured, "FloatingPointValue")
    found = number(measured, "NumericValue") if exact is None else exact
    if found is None:
        raise ValueError("a measurement without a number")
    unit = _code(measured, "MeasurementUnitsCodeSequence")
    return Quantity(_concept(item), found, unit, next(_coded_below(item, DERIVATION), None))


def _coded_below(item: Dataset, concept: Code) -> Iterator[Code]:
    """Values of the coded items directly below an item that stand for a concept."""
    return (_value(each) for each in items(item, "ContentSequence") if _concept(each) == concept)


def _concept(item: Dataset) -> Code:
    return _code(item, "ConceptNameCodeSequence")


def _value(item: Dataset) -> Code:
    return _code(item, "ConceptCodeSequence")


def _code(item: Dataset, sequence: str) -> Code:
    """First code of a sequence; one without value where there is none."""
    found = items(item, sequence)
    names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
    return Code(*(text(found[0], name) for name in names)) if found else Code("", "", "")
