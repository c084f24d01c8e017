"""A study that cannot be used: the reason code goes into ingest.jsonl, and the next study has its turn."""

from fedbundle.errors import DicomError

IDENTIFIER_LEFT = "IDENTIFIER_LEFT"
STUDY_CODES = (
    "DAMAGED_FILE",
    "MIXED_PATIENTS",
    "UNREADABLE_PIXELS",
    "NO_DISPLAY",
    "NOT_DEIDENTIFIABLE",
    "LABEL_MISSING",
    "LABEL_UNREADABLE",
    "LABEL_REFERENCE",
    "LABEL_GEOMETRY",
    "LABEL_OVERLAP",
    "LABEL_VALUES",
    "UNEXPECTED_ERROR",
    IDENTIFIER_LEFT,
)


class RefusedError(DicomError):
    """Refusal of one study with one of `STUDY_CODES`; `detail` names no patient."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"study must be usable, got {reason}: {detail}; see docs/reference/reason-codes.md")
        self.reason = reason
        self.detail = detail
