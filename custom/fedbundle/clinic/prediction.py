"""What a prediction found, for the page and for machines alike; no identifier of the patient is in it."""

from dataclasses import dataclass
from typing import Any

from fedbundle import __version__
from fedbundle.bundle.digest import recipe_digest, release_digest
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.vendor import RECORD
from fedbundle.clinic.doubts import input_doubts
from fedbundle.clinic.findings import Findings
from fedbundle.clinic.images_used import ImageUsed, images_used, missing_doubts
from fedbundle.clinic.study import Study
from fedbundle.clinic.training import Training, owner, read_training, trained_on_phantoms
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import DicomOut

MADE_BY = "fedbundle predict"
RESEARCH = "Research use only. Not a medical device: it must not be used for diagnosis or treatment."
PHANTOMS = "Trained on phantoms only, as its metadata says: {what} not expected to be right on a real patient."
OWN = "Holds weights that {site} keeps at home: for that hospital's own scanners, not to be passed on."
UNTRAINED = "The bundle carries no training record: nothing tells that its weights were trained at all."
WHAT = {
    "segmentation": "the outlines are",
    "detection": "the candidates are",
    "classification": "the classes are",
    "anomaly": "the maps are",
    "risk": "the risks are",
}


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
    site: str  # whose own weights it holds besides the shared ones; "" = none
    on_phantoms: bool
    training: Training | None
    series: tuple[SeriesTold, ...]
    used: tuple[ImageUsed, ...]  # one per role
    volume: Volume  # of the role on whose grid the result lies
    findings: Findings
    doubts: tuple[str, ...]

    @classmethod
    def of(cls, bundle: Bundle, wanted: DicomOut, study: Study, findings: Findings) -> "Prediction":
        """Bring together what the bundle says of itself, what became of the images, and what was found."""
        used = images_used(study, wanted)
        with tolerant():
            series = [
                SeriesTold(text(each.series.first, "SeriesNumber"), each.role, each.code, each.detail)
                for each in study.choice.decisions
            ]
        return cls(
            bundle=bundle,
            wanted=wanted,
            recipe_digest=recipe_digest(bundle.root),
            release_digest=release_digest(bundle.root),
            exported=(bundle.root / RECORD).is_file(),
            site=owner(bundle),
            on_phantoms=trained_on_phantoms(bundle),
            training=read_training(bundle, wanted),
            series=tuple(sorted(series, key=lambda told: (not told.role, len(told.number), told.number))),
            used=tuple(used),
            volume=study.volume(wanted.input),
            findings=findings,
            doubts=(*missing_doubts(used), *input_doubts(study, wanted), *findings.doubts),
        )

    @property
    def warnings(self) -> list[str]:
        """What must be read before the numbers."""
        phantoms = [PHANTOMS.format(what=WHAT[self.findings.kind])] if self.on_phantoms else []
        own = [OWN.format(site=self.site)] if self.site else []
        return [RESEARCH, *phantoms, *own, *([UNTRAINED] if self.training is None else [])]

    def data(self, files: list[str]) -> dict[str, Any]:
        """For result.json; `files` are the names that lie beside it."""
        slices, rows, columns = self.volume.array.shape
        return {
            "made_by": MADE_BY,
            "fedbundle": __version__,
            "kind": self.findings.kind,
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
            "inputs_used": {each.role: each.data() for each in self.used},
            **self.findings.data(),
            "series": [vars(series) for series in self.series],
            "files": files,
        }
