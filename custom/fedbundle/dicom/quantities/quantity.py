"""Stored pixels as a physical quantity: the straight line from rescaled pixels, and why it cannot be known."""

from dataclasses import dataclass

from fedbundle.errors import DicomError

QUANTITY_CODES = ("NO_SUV", "NO_ADC_UNIT")


@dataclass(frozen=True)
class Scale:
    """quantity = factor * pixel + offset, of pixels after the Modality LUT (rescale slope and intercept)."""

    quantity: str  # what it is: "SUVbw", "ADC"
    units: str  # UCUM
    factor: float
    by: str  # which rule told it, for logs; names no patient
    offset: float = 0.0


class QuantityError(DicomError):
    """Pixels cannot be turned into the quantity that a role wants; `reason` is one of `QUANTITY_CODES`.

    `detail` names no patient and quotes no date or time.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"pixels must be a known quantity, got {reason}: {detail}; see docs/reference/reason-codes.md")
        self.reason = reason
        self.detail = detail
