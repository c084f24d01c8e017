"""What an ingest did, in counts, for people and for machines."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbundle.dicom.gate import USED
from fedbundle.site.case import Outcome


@dataclass(frozen=True)
class Report:
    """What an ingest did; counts only."""

    dataset: Path
    files: int
    skipped: int
    damaged: int
    outcomes: tuple[Outcome, ...]
    splits: dict[str, int]  # section -> cases

    @property
    def refused(self) -> dict[str, int]:
        """Studies refused by reason code."""
        codes = Counter(outcome.code for outcome in self.outcomes if outcome.code != USED)
        return dict(sorted(codes.items()))

    def data(self) -> dict[str, Any]:
        """For machines."""
        used_now = [outcome for outcome in self.outcomes if outcome.code == USED]
        return {
            "dataset": str(self.dataset),
            "files": {"read": self.files, "skipped": self.skipped, "damaged": self.damaged},
            "studies": {
                "offered": len(self.outcomes),
                "used": len(used_now),
                "unchanged": sum(outcome.resumed for outcome in used_now),
                "refused": self.refused,
            },
            "splits": self.splits,
        }

    def text(self) -> str:
        """For people."""
        studies = self.data()["studies"]
        lines = [
            f"{studies['offered']} studies in {self.files} files: {studies['used']} used "
            f"({studies['unchanged']} unchanged since an earlier run), {sum(self.refused.values())} refused",
            *(f"  refused {count} {code}" for code, count in self.refused.items()),
            f"  {self.skipped} files are no DICOM images, {self.damaged} are damaged DICOM",
            "  dataset: " + ", ".join(f"{count} {section}" for section, count in self.splits.items()),
            f"  {self.dataset / 'datalist.json'}",
            f"  {self.dataset / 'ingest.jsonl'} says why each series was used or refused",
        ]
        return "\n".join(lines)
