"""How many studies may be refused before an ingest counts as failed."""

import re
from dataclasses import dataclass

from fedbundle.errors import InputError

SPELLING = re.compile(r"(\d{1,3}(?:\.\d+)?)%|(\d{1,9})")


@dataclass(frozen=True)
class RefusalBudget:
    """A share of the studies offered, or a count."""

    share: float | None  # 0 to 1
    count: int
    text: str

    @classmethod
    def parse(cls, text: str) -> "RefusalBudget":
        """Read "5%" or "3".

        Raises:
            InputError: neither a percentage from 0 to 100 nor a count.
        """
        found = SPELLING.fullmatch(text.strip())
        if not found or (found[1] and float(found[1]) > 100):
            raise InputError(f"--max-refused must be like 5% or 3, got {text!r}; give 0% to 100%, or a whole count")
        return cls(float(found[1]) / 100 if found[1] else None, int(found[2] or 0), text.strip())

    def exceeded(self, refused: int, offered: int) -> bool:
        """Whether `refused` of `offered` studies are more than the budget allows."""
        return refused > (self.count if self.share is None else self.share * offered + 1e-9)
