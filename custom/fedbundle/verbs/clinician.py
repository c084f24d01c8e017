"""What a clinician does: run an exported bundle on a study."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from fedbundle.verbs.base import Outcome, Verb


@dataclass(frozen=True, kw_only=True)
class Predict(Verb):
    """Run an exported bundle on a DICOM study: DICOM SEG and SR, report.html and result.json."""

    role = "clinician"

    bundle: Positional[Path]
    """Exported bundle: zip or unpacked folder."""

    study: Positional[Path]
    """Folder with the study's DICOM files."""

    out: Path
    """Folder for the results."""

    factors: Path | None = None
    """CSV (a header and one row) or JSON of the patient's risk factors, for a bundle that tells a risk; what is absent
    or empty counts as not known."""

    def run(self) -> Outcome:
        """Predict."""
        from fedbundle.clinic.predict import predict

        result = predict(self.bundle, self.study, self.out, self.factors)
        warnings = "".join(f"{warning}\n" for warning in result["warnings"])
        doubts = "".join(f"\n  look twice: {doubt}" for doubt in result["doubts"])
        return Outcome(f"{warnings}{result['headline']}{doubts}\n  {self.out / 'report.html'}", result)
