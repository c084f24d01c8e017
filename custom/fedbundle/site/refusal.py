"""A study that cannot be used: the reason code goes into ingest.jsonl, and the next study has its turn."""

from fedbundle.dicom.contract import VOLUME_CODES
from fedbundle.dicom.inputs import INPUT_CODES
from fedbundle.dicom.sides import SIDE_CODES
from fedbundle.errors import DicomError

IDENTIFIER_LEFT = "IDENTIFIER_LEFT"
MISSING_INSTANCES = "MISSING_INSTANCES"
NOT_AT_SOURCE = "NOT_AT_SOURCE"
STUDY_CODES = (
    NOT_AT_SOURCE,
    MISSING_INSTANCES,
    "DAMAGED_FILE",
    "MIXED_PATIENTS",
    "UNREADABLE_PIXELS",
    "TEXT_IN_PIXELS",
    *INPUT_CODES,
    *VOLUME_CODES,
    "NOT_DEIDENTIFIABLE",
    "LABEL_MISSING",
    "LABEL_UNREADABLE",
    "LABEL_REFERENCE",
    "LABEL_GEOMETRY",
    "LABEL_OVERLAP",
    "LABEL_VALUES",
    *SIDE_CODES,
    "LABEL_SIDE",
    "UNEXPECTED_ERROR",
    IDENTIFIER_LEFT,
)


class RefusedError(DicomError):
    """Refusal of one study with one of `STUDY_CODES`; `detail` names no patient."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"study must be usable, got {reason}: {detail}; see docs/reference/reason-codes.md")
        self.reason = reason
        self.detail = detail
