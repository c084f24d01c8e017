"""Read the measurement groups of a TID 1500 report item by item; apart from what wrote it."""

from pathlib import Path

from pydicom import Dataset, dcmread

from fedbundle.dicom.header import MALFORMED, items, number, text
from fedbundle.errors import SegmentationError

GROUP, IDENTIFIER, UNIQUE = "125007", "112039", "112040"  # Measurement Group, Tracking Identifier and its UID; DCM
Found = list[tuple[str, str, list[tuple[str, float]]]]


def read_report(path: Path) -> tuple[Found, Dataset]:
    """Tracking identifier, its UID, and code and value of each number, for every measurement group; and the header.

    Raises:
        SegmentationError: it is no DICOM SR that can be read.
    """
    try:
        file = dcmread(path)
        return [_group(item) for item in _containers(file) if _concept(item) == GROUP], file
    except (*MALFORMED, OSError, StopIteration) as error:
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


def _group(item: Dataset) -> tuple[str, str, list[tuple[str, float]]]:
    inside = items(item, "ContentSequence")
    label = next(text(each, "TextValue") for each in inside if _concept(each) == IDENTIFIER)
    uid = next(text(each, "UID") for each in inside if _concept(each) == UNIQUE)
    numbers = [(_concept(each), _number(each)) for each in inside if text(each, "ValueType") == "NUM"]
    return label, uid, numbers


def _concept(item: Dataset) -> str:
    names = items(item, "ConceptNameCodeSequence")
    return text(names[0], "CodeValue") if names else ""


def _number(item: Dataset) -> float:
    measured = items(item, "MeasuredValueSequence")[0]
    exact = number(measured, "FloatingPointValue")
    found = number(measured, "NumericValue") if exact is None else exact
    if found is None:
        raise ValueError("a measurement without a number")
    return found
