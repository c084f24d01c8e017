"""What a prediction found, for the page and for machines alike; no identifier of the patient is in it."""

from dataclasses import dataclass
from typing import Any

from fedbundle import __version__
from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.measure import Measured
from fedbundle.clinic.pictures import Picture
from fedbundle.clinic.training import Training
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.segments import DicomOut

MADE_BY = "fedbundle predict"
RESEARCH = "Research use only. Not a medical device: it must not be used for diagnosis or treatment."
PHANTOMS = (
    "Trained on phantoms only, as its metadata says: the outlines are not expected to be right on a real patient."
)


@dataclass(frozen=True)
class SeriesTold:
    """One series of the study, and why it was used or not."""

    number: str  # Series Number, "" when absent
    role: str  # "" when not used
    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class Prediction:
    """All that report.html and result.json tell."""

    bundle: Bundle
    wanted: DicomOut
    recipe_digest: str
    release_digest: str
    exported: bool  # it carries digests.json, and they were checked
    on_phantoms: bool
    training: Training | None
    series: tuple[SeriesTold, ...]
    volume: Volume
    image_numbers: tuple[str, ...]  # Instance Number of each slice of the volume, "" when absent
    segments: tuple[Measured, ...]
    total: Measured | None
    doubts: tuple[str, ...]
    pictures: tuple[Picture, ...]

    @property
    def warnings(self) -> list[str]:
        """What must be read before the numbers."""
        return [RESEARCH, *([PHANTOMS] if self.on_phantoms else [])]

    def data(self, files: list[str]) -> dict[str, Any]:
        """For result.json; `files` are the names that lie beside it."""
        slices, rows, columns = self.volume.array.shape
        return {
            "made_by": MADE_BY,
            "fedbundle": __version__,
            "warnings": self.warnings,
            "doubts": list(self.doubts),
            "bundle": self.bundle.name,
            "version": self.bundle.version,
            "recipe_digest": self.recipe_digest,
            "release_digest": self.release_digest,
            "grid": {
                "columns": columns,
                "rows": rows,
                "slices": slices,
                "spacing_mm": [round(size, 4) for size in self.volume.spacing],
            },
            "segments": [
                _segment(measured)
                | {
                    "code": {
                        "value": segment.type.value,
                        "scheme": segment.type.scheme_designator,
                        "meaning": segment.type.meaning,
                    }
                }
                for measured, segment in zip(self.segments, self.wanted.segments, strict=True)
            ],
            "total": _segment(self.total) if self.total else None,
            "series": [vars(series) for series in self.series],
            "files": files,
        }


def _segment(measured: Measured) -> dict[str, Any]:
    return {
        "label": measured.label,
        "volume_ml": round(measured.volume_ml, 3),
        "voxels": measured.voxels,
        "slices": measured.slices,
    }
