"""What a data scientist does beside submitting jobs: check a bundle, read the ledger, export the result."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from fedbundle.verbs.base import Outcome, Verb


@dataclass(frozen=True, kw_only=True)
class Check(Verb):
    """Try a bundle against every rule of its contract; runs the bundle's code, as training does."""

    role = "data scientist"

    bundle: Positional[Path]
    """Bundle folder or exported zip."""

    full: bool = False
    """Also try the size `full` on this machine: some minutes and 8 GB of memory."""

    def run(self) -> Outcome:
        """Check."""
        from fedbundle.check.check import check
        from fedbundle.errors import CheckError

        report = check(self.bundle, self.full)
        return Outcome(report.text(), report.data(), CheckError.code if report.broken else 0)


@dataclass(frozen=True, kw_only=True)
class Ledger(Verb):
    """Show who took part in a run; fails when the run fell short of what it declared."""

    role = "data scientist"

    result: Positional[Path]
    """Downloaded job result, or a ledger.json."""

    def run(self) -> Outcome:
        """Show."""
        from fedbundle.errors import FellShortError
        from fedbundle.flare.ledger import find, render

        ledger = find(self.result)
        return Outcome(render(ledger), ledger, 0 if ledger["outcome"] == "COMPLETED" else FellShortError.code)


@dataclass(frozen=True, kw_only=True)
class Export(Verb):
    """Make the bundle that clinicians get from a downloaded job result."""

    role = "data scientist"

    result: Positional[Path]
    """Downloaded job result with global weights and ledger.json."""

    out: Path
    """Folder or name of the zip to write."""

    bundle: Path | None = None
    """Bundle folder the job was made from; default: bundles/<name> under the working directory."""

    def run(self) -> Outcome:
        """Export."""
        from fedbundle.flare.release import release

        done = release(self.result, self.out, self.bundle)
        return Outcome(
            f"{done.path}\n  recipe digest  {done.recipe_digest}\n  release digest {done.release_digest}\n"
            f"  reloaded: model.pt and model.ts differ by at most {done.largest_difference:.1e}",
            done.data(),
        )
