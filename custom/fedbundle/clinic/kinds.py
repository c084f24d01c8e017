"""Which file does which kind of result."""

from pathlib import Path

from fedbundle.clinic.anomaly import Anomaly
from fedbundle.clinic.classification import Classification
from fedbundle.clinic.detection import Detection
from fedbundle.clinic.factors import Factors
from fedbundle.clinic.findings import Findings, Item
from fedbundle.clinic.risk import Risk
from fedbundle.clinic.segmentation import Segmentation
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import (
    AnomalyOut,
    ClassificationOut,
    DetectionOut,
    DicomOut,
    RiskOut,
    SegmentationOut,
)
from fedbundle.errors import BundleError


def items_of(study: Study, wanted: DicomOut, factors: Factors | None = None) -> list[Item]:
    """What inference is asked about: items of a datalist, without their images; the study, or each side of it.

    `factors` are those of a bundle of risks.

    Raises:
        NoUsableSeriesError: a film does not tell which side it shows.
    """
    if isinstance(wanted, RiskOut):
        return Risk.items(study, wanted, factors or {})
    return Classification.items(study, wanted) if isinstance(wanted, ClassificationOut) else [{}]


def findings_of(output: Path, study: Study, wanted: DicomOut) -> Findings:
    """What inference found.

    Raises:
        PredictionError: it wrote something else than its kind of result.
        SegmentationError: a map does not lie on the grid of its input.
    """
    match wanted:
        case SegmentationOut():
            return Segmentation.read(output, study, wanted)
        case DetectionOut():
            return Detection.read(output, study, wanted)
        case ClassificationOut():
            return Classification.read(output, study, wanted)
        case RiskOut():
            return Risk.read(output, study, wanted)
        case AnomalyOut():
            return Anomaly.read(output, study, wanted)
    raise BundleError(f"kind must be one that predict knows, got {type(wanted).__name__}; use a newer fedbundle")
