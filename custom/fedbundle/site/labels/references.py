"""Does a DICOM label object belong to a series: by what it refers to, else by its frame of reference."""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from fedbundle.dicom.header import items, text
from fedbundle.dicom.series import Series


def studies_of(header: Dataset) -> set[str]:
    """StudyInstanceUIDs under which an object may be looked for: its own and those it refers to."""
    found = {text(header, "StudyInstanceUID")}
    found |= {
        text(item, "StudyInstanceUID") for item in items(header, "StudiesContainingOtherReferencedInstancesSequence")
    }
    found |= {text(item, "ReferencedSOPInstanceUID") for item in _referenced_studies(header)}
    return found - {""}


def misreferred(header: Dataset, series: Series, frame_of_reference: str) -> str:
    """Why an object was not drawn on a series; "" when it was.

    An object that refers to series must name this one and, where it lists instances, share some with it. One that
    refers to none must lie in the same frame of reference, and a frame that is named must be the same in any case.

    Args:
        header: of a SEG or RTSTRUCT.
        series: that was chosen.
        frame_of_reference: of the series.
    """
    frames = {text(header, "FrameOfReferenceUID")}
    frames |= {text(item, "FrameOfReferenceUID") for item in items(header, "ReferencedFrameOfReferenceSequence")}
    frames -= {""}
    if series.study_uid not in studies_of(header):
        return "it belongs to another study"
    if frames and frame_of_reference and frame_of_reference not in frames:
        return "it lies in another frame of reference"
    referenced = list(_referenced_series(header))
    if not referenced:
        return "" if frames and frame_of_reference else "it names neither a series nor a frame of reference"
    same = [item for item in referenced if text(item, "SeriesInstanceUID") == series.uid]
    if not same:
        return f"it refers to {len(referenced)} other series"
    named = {text(each, "ReferencedSOPInstanceUID") for item in same for each in _instances(item)} - {""}
    if named and not named & instances_of(series):
        return f"none of the {len(named)} images that it refers to is in the series"
    return ""


def instances_of(series: Series) -> set[str]:
    """SOPInstanceUIDs of a series."""
    return {text(header, "SOPInstanceUID") for header in series.headers}


def _referenced_series(header: Dataset) -> Iterator[Dataset]:
    yield from items(header, "ReferencedSeriesSequence")
    for study in items(header, "StudiesContainingOtherReferencedInstancesSequence"):
        yield from items(study, "ReferencedSeriesSequence")
    for study in _referenced_studies(header):
        yield from items(study, "RTReferencedSeriesSequence")


def _referenced_studies(header: Dataset) -> Iterator[Dataset]:
    for frame in items(header, "ReferencedFrameOfReferenceSequence"):
        yield from items(frame, "RTReferencedStudySequence")


def _instances(item: Dataset) -> Iterator[Dataset]:
    yield from items(item, "ReferencedInstanceSequence")
    yield from items(item, "ContourImageSequence")
