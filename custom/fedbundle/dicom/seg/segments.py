"""One segment of a label map: its coded meaning and its colour on a display."""

from dataclasses import dataclass

from pydicom.sr.coding import Code


@dataclass(frozen=True)
class Segment:
    """One segment of a label map."""

    value: int  # of its voxels in the label map
    label: str
    category: Code  # Segmented Property Category, PS3.16 CID 7150
    type: Code  # Segmented Property Type
    color: str  # sRGB, #rrggbb


@dataclass(frozen=True)
class Labelled:
    """What the values of a label map mean, and how its DICOM SEG is called."""

    series_description: str
    content_label: str  # VR CS
    segments: tuple[Segment, ...]
