"""What a source says a study holds, compared with what has arrived: a slice lost at an end is noticed only here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Series


@dataclass(frozen=True)
class Announced:
    """A series as its source announces it: NumberOfSeriesRelatedInstances (0020,1209), or counted (PS3.4 C.3.4)."""

    modality: str  # "" where the source does not tell
    instances: int
    patient_id: str = ""  # of the study, "" where the source does not tell


def shortfall(study: Sequence[Series], announced: Mapping[str, Announced]) -> dict[str, str]:
    """Series of which another number of instances arrived than was announced: SeriesInstanceUID -> what is wrong.

    Instances are counted by SOPInstanceUID, so a doubled one does not stand for a lost one.
    """
    with tolerant():
        arrived = {series.uid: len({text(header, "SOPInstanceUID") for header in series.headers}) for series in study}
    return {
        uid: f"{arrived.get(uid, 0)} instances arrived, the source has {told.instances}"
        for uid, told in announced.items()
        if arrived.get(uid, 0) != told.instances
    }
