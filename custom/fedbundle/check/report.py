"""What a check tells: a table of the rules, then every place that is to be mended."""

from dataclasses import dataclass
from typing import Any

from fedbundle.check.finding import FAILED, Finding


@dataclass(frozen=True)
class Report:
    """Findings of all rules on one bundle."""

    bundle: str
    findings: list[Finding]

    @property
    def broken(self) -> list[Finding]:
        """Findings of the rules that are broken."""
        return [finding for finding in self.findings if finding.result == FAILED]

    def text(self) -> str:
        """For people."""
        width = max(len(finding.rule) for finding in self.findings)
        lines = [f"{f.rule:{width}}  {f.result:9}  {f.seconds:6.2f} s  {f.told}".rstrip() for f in self.findings]
        problems = [f"\n{f.rule}: {problem.text()}" for f in self.broken for problem in f.problems]
        seconds = sum(finding.seconds for finding in self.findings)
        told = f"{len(self.broken)} of {len(self.findings)} rules broken" if self.broken else "no rule broken"
        return "\n".join([*lines, *problems, f"\n{self.bundle}: {told}, {seconds:.1f} s"])

    def data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "bundle": self.bundle,
            "broken": [finding.rule for finding in self.broken],
            "rules": [finding.data() for finding in self.findings],
        }
