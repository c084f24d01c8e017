"""DICOM objects that label images: which kind a file is, and a folder of them by study."""

from collections import defaultdict
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import survey
from fedbundle.errors import InputError
from fedbundle.site.labels.references import studies_of
from fedbundle.site.labels.study import Labels, StudyLabels
from fedbundle.site.wording import many

LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
SEGMENTATIONS = frozenset({SegmentationStorage, LABEL_MAP_SEGMENTATION})
CLASSES = frozenset({*SEGMENTATIONS, RTStructureSetStorage})
REFERRING = (
    "SOPClassUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "ReferencedSeriesSequence",
    "StudiesContainingOtherReferencedInstancesSequence",
    "ReferencedFrameOfReferenceSequence",
)
PREAMBLE, MAGIC = 128, b"DICM"
DAMAGED = ("file below --labels is empty or damaged", "files below --labels are empty or damaged")


def is_dicom(path: Path) -> bool:
    """The file begins as PS3.10 wants; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
    except OSError:
        return False


def header_of(path: Path) -> Dataset | None:
    """What a DICOM file says of its class, study and references; None when it cannot be read."""
    with tolerant():
        try:
            return dcmread(path, stop_before_pixels=True, specific_tags=list(REFERRING))
        except Exception:  # hostile bytes make pydicom raise almost anything; the file is told as unreadable
            return None


def read_folder(folder: Path) -> Labels:
    """Find the DICOM SEG and RTSTRUCT files of a folder, searched recursively, by the studies they belong to.

    Raises:
        InputError: none there, or the folder may not be read.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    seen = survey(folder)
    with tolerant():
        for series in seen.series:
            for header, path in zip(series.headers, series.files, strict=True):
                if text(header, "SOPClassUID") in CLASSES:
                    for study in studies_of(header):
                        found[study].append(path)
    if not found:
        raise InputError(
            f"--labels must be a CSV or a folder with DICOM SEG or RTSTRUCT, got none in {many(seen.files, 'file')}; "
            "check the path"
        )
    told = (f"{many(len(seen.damaged), *DAMAGED)}",) if seen.damaged else ()
    return Labels({study: StudyLabels(tuple(sorted(paths))) for study, paths in found.items()}, told)
