"""Which file does which kind of result."""

from pathlib import Path

from fedbundle.clinic.findings import Findings, Item
from fedbundle.clinic.segmentation import Segmentation
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import DicomOut, SegmentationOut
from fedbundle.errors import BundleError


def items_of(study: Study, wanted: DicomOut) -> list[Item]:  # noqa: ARG001
    """What inference is asked about: items of a datalist, without their images."""
    match wanted:
        case SegmentationOut():
            return [{}]
    raise BundleError("kind")


def findings_of(output: Path, study: Study, wanted: DicomOut) -> Findings:
    """What inference found."""
    match wanted:
        case SegmentationOut():
            return Segmentation.read(output, study, wanted)
    raise BundleError("kind")
