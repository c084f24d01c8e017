"""What an ingest did, in counts, for people and for machines."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.dicom.gate.verdict import USED
from fedbundle.site.cases.take import Outcome
from fedbundle.site.folder import PAGE
from fedbundle.site.wording import many

KEPT = (
    "of the refused stays in the dataset as an earlier run made it",
    "of the refused stay in the dataset as an earlier run made them",
)
EXCLUDED = (
    "more is of a patient who was taken out, see --exclude",
    "more are of patients who were taken out, see --exclude",
)


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
            f"{many(studies['offered'], 'study', 'studies')} in {many(self.files, 'file')}: {studies['used']} used "
            f"({studies['unchanged']} unchanged since an earlier run), {sum(self.refused.values())} refused",
            *(f"  refused {count} {code}" for code, count in self.refused.items()),
            *([f"  {many(self.kept, *KEPT)}"] if self.kept else []),
            *([f"  {many(self.excluded, *EXCLUDED)}"] if self.excluded else []),
            f"  {many(self.skipped, 'file is no DICOM image', 'files are no DICOM images')}, "
            f"{many(self.damaged, 'is', 'are')} empty or damaged",
            "  dataset: " + ", ".join(f"{count} {section}" for section, count in self.splits.items()) + self._masks(),
            f"  of {many(sum(self.patients.values()), 'patient')}, each in one section only",
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
        have = "has" if cases - self.masks == 1 else "have"
        return f"; {cases - self.masks} of {cases} {have} no labels and cannot be trained on, see --labels"
