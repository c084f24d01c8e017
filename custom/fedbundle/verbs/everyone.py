"""What all may do: write synthetic patients."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from fedbundle.verbs.base import Outcome, Verb


@dataclass(frozen=True, kw_only=True)
class Phantom(Verb):
    """Write synthetic patients with known truth as DICOM."""

    role = "all"

    bundle: Positional[str]
    """Bundle the phantoms are made for."""

    out: Path
    """Folder for DICOM, truth masks and labels.csv."""

    patients: int = 4
    """How many patients."""

    profile: str = "site-a"
    """Scanner and site profile; an unknown name lists them."""

    seed: int = 0
    """Same seed, same bytes."""

    def run(self) -> Outcome:
        """Write."""
        from fedbundle.phantom.write import write_phantoms
        from fedbundle.site.wording import many

        report = write_phantoms(self.bundle, self.out, self.patients, self.profile, self.seed)
        told = f"{many(report['patients'], 'patient')}, {many(report['files'], 'file')} in {self.out}"
        return Outcome(told, report)
