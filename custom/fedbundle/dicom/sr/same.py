"""A report has to say what was to be said: every term, number, side and reference, as it reads back from the file."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from pydicom import Dataset
from pydicom.sr.coding import Code

from fedbundle.dicom.sr.group import Group, Quantity
from fedbundle.dicom.sr.read import read_report
from fedbundle.errors import SegmentationError


def check_report(path: Path, groups: Sequence[Group], images: Sequence[Dataset], segmentation: Dataset | None) -> None:
    """Compare a report with what it was made of.

    Args:
        path: the report.
        groups: what was found.
        images: on which the result lies.
        segmentation: DICOM SEG to which groups with a segment number refer.

    Raises:
        SegmentationError: the report says something else, or belongs to another patient or study.
    """
    found, header = read_report(path)
    if len(found) != len(groups):
        raise _other("the number of its groups")
    shown = tuple(str(image.SOPInstanceUID) for image in images)
    for read, group in zip(found, groups, strict=True):
        for field in fields(Group):
            if _plain(getattr(read.group, field.name)) != _plain(getattr(group, field.name)):
                raise _other(f"{field.name} of a group")
        outline = segmentation if group.segment is not None else None
        if read.refers_to != (shown if outline is None else (str(outline.SOPInstanceUID),)):
            raise _other("the instances to which a group refers")
    for keyword in ("StudyInstanceUID", "PatientID"):
        if str(header.get(keyword, "")) != str(images[0].get(keyword, "")):
            raise _other(keyword)


def _plain(value: object) -> object:
    """Codes as value, scheme and meaning, at every depth: two `Code` compare without the meaning, and not with None."""
    if isinstance(value, Quantity):
        return tuple(_plain(getattr(value, field.name)) for field in fields(Quantity))
    if isinstance(value, Code):
        return value.value, value.scheme_designator, value.meaning
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def _other(what: str) -> SegmentationError:
    return SegmentationError(f"report must read back as it was written, got another in {what}; report this as a defect")
