"""Lookup tables of DICOM: Modality LUT and VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fedbundle.dicom.header import numbers, value

ENTRIES = 2**16  # a count of 0 means so many
MOST_BITS = 16


class LookupTableError(ValueError):
    """A table whose descriptor and data do not fit together."""


@dataclass(frozen=True)
class LookupTable:
    """Output values for input values from `first` on; what lies outside gets the first or last value."""

    first: int
    values: NDArray[np.uint16]
    bits: int

    @classmethod
    def of(cls, item: Dataset, signed: bool, little_endian: bool = True) -> "LookupTable":
        """Read LUT Descriptor (0028,3002) and LUT Data (0028,3006).

        Args:
            item: of a Modality LUT Sequence or VOI LUT Sequence.
            signed: whether the input of the table can be negative, which decides how its first value is read.
            little_endian: byte order of the file.

        Raises:
            LookupTableError: descriptor or data are missing, or do not fit together.
        """
        descriptor = numbers(item, "LUTDescriptor", 3)
        if descriptor is None:
            raise LookupTableError("no descriptor")
        count, first, bits = (int(each) for each in descriptor)
        count = (count % ENTRIES) or ENTRIES
        first = _as_signed(first) if signed else first % ENTRIES
        values = _data(value(item, "LUTData"), count, little_endian)
        if not 0 < bits <= MOST_BITS or values.size != count or int(values.max()) >= 2**bits:
            raise LookupTableError(f"{values.size} values, and the descriptor tells {count} of {bits} bits")
        return cls(first, values, bits)

    def apply(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values that the table has for whole numbers; others are rounded first."""
        index = np.clip(np.rint(pixels) - self.first, 0, self.values.size - 1).astype(np.intp)
        return np.asarray(self.values[index], np.float64)


def _as_signed(number: int) -> int:
    return (number + ENTRIES // 2) % ENTRIES - ENTRIES // 2


def _data(stored: Any, count: int, little_endian: bool) -> NDArray[np.uint16]:
    """LUT Data as words; with VR OW tables of 8 bits may hold one value per byte."""
    if stored is None:
        raise LookupTableError("no data")
    if not isinstance(stored, bytes):
        return (np.atleast_1d(np.asarray(stored, np.int64)) % ENTRIES).astype(np.uint16)
    if len(stored) in (count, count + count % 2):
        return np.frombuffer(stored, np.uint8)[:count].astype(np.uint16)
    if len(stored) % 2:
        raise LookupTableError("data of an odd length")
    return np.frombuffer(stored, "<u2" if little_endian else ">u2").astype(np.uint16)
