"""What a consortium admin does: provision the federation."""

from dataclasses import dataclass
from pathlib import Path

from fedbundle.verbs.base import Outcome, Verb


@dataclass(frozen=True, kw_only=True)
class Provision(Verb):
    """Make startup kits with our policies from project.yml and sites/*.yml."""

    role = "consortium admin"

    project: Path = Path("provisioning/project.yml")
    """Project file; the hospitals stand in the folder `sites/` beside it."""

    out: Path = Path("provisioning/workspace")
    """Where the kits and the certificate state go; keep it secret, it holds the root key."""

    def run(self) -> Outcome:
        """Provision."""
        from fedbundle.provision.kits import provision

        kits = provision(self.project, self.out)
        lines = "\n".join(f"  {name:32} {path}" for name, path in kits.items())
        return Outcome(f"{len(kits)} kits\n{lines}", {"kits": {name: str(path) for name, path in kits.items()}})
