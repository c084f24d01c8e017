"""What an ingest did, in counts, for people and for machines."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.dicom.gate.verdict import USED
from fedbundle.site.cases.take import Outcome
from fedbundle.site.folder import PAGE


@dataclass(frozen=True)
class Report:
    """What an ingest did; counts only."""

    dataset: Path
    files: int
    skipped: int
    damaged: int
    outcomes: tuple[Outcome, ...]
    splits: dict[str, int]  # section -> cases
    masks: int | None  # cases with all labels; None when the bundle wants none
    patients: dict[str, int] = field(default_factory=dict)  # section -> patients
    excluded: int = 0  # studies of patients who were taken out
    warnings: tuple[str, ...] = ()
    page: bool = True  # qc.html was made

    @property
    def refused(self) -> dict[str, int]:
        """Studies refused by reason code."""
        codes = Counter(outcome.code for outcome in self.outcomes if outcome.code != USED)
        return dict(sorted(codes.items()))

    @property
    def kept(self) -> int:
        """Studies refused now whose case of an earlier run stays in the dataset."""
        return sum(outcome.kept for outcome in self.outcomes)

    def data(self) -> dict[str, Any]:
        """For machines."""
        used_now = [outcome for outcome in self.outcomes if outcome.code == USED]
        return {
            "dataset": str(self.dataset),
            **({"page": str(self.dataset / PAGE)} if self.page else {}),
            "files": {"read": self.files, "skipped": self.skipped, "damaged": self.damaged},
            "studies": {
                "offered": len(self.outcomes),
                "used": len(used_now),
                "unchanged": sum(outcome.resumed for outcome in used_now),
                "refused": self.refused,
                "kept": self.kept,
            },
            "excluded": self.excluded,
            "splits": self.splits,
            "patients": self.patients,
            "warnings": list(self.warnings),
            **({} if self.masks is None else {"masks": self.masks}),
        }

    def text(self) -> str:
        """For people."""
        studies = self.data()["studies"]
        lines = [
            f"{studies['offered']} studies in {self.files} files: {studies['used']} used "
            f"({studies['unchanged']} unchanged since an earlier run), {sum(self.refused.values())} refused",
            *(f"  refused {count} {code}" for code, count in self.refused.items()),
            *([f"  {self.kept} of the refused stay in the dataset as an earlier run made them"] if self.kept else []),
            *([f"  {self.excluded} more are of patients who were taken out, see --exclude"] if self.excluded else []),
            f"  {self.skipped} files are no DICOM images, {self.damaged} are empty or damaged",
            "  dataset: " + ", ".join(f"{count} {section}" for section, count in self.splits.items()) + self._masks(),
            f"  of {sum(self.patients.values())} patients, each in one section only",
            *(f"  warning: {warning}" for warning in self.warnings),
            f"  {self.dataset / 'datalist.json'}",
            f"  {self.dataset / 'ingest.jsonl'} says why each series was used or refused",
            *([f"  {self.dataset / PAGE} shows all of it; open it in a browser"] if self.page else []),
        ]
        return "\n".join(lines)

    def _masks(self) -> str:
        cases = sum(self.splits.values())
        if self.masks is None or self.masks == cases:
            return ""
        return f"; {cases - self.masks} of {cases} have no labels and cannot be trained on, see --labels"
