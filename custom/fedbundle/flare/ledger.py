"""The participation ledger: who really took part, round by round. It decides whether a run succeeded."""

import re
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError
from fedbundle.files import read_json, write_json
from fedbundle.flare.answer import EVALUATED, REFUSED, SILENT, USED, Answer

NAME = "ledger.json"
RUNNING, COMPLETED, FAILED = "RUNNING", "COMPLETED", "FAILED"
NUMBERED = re.compile(r"(.+_)\d+\.\d+")  # val_nll_at_0.50: one candidate of a calibration
MOST_NUMBERED = 3  # of one name, beyond which people are not told of them
OUT = (REFUSED, SILENT)  # a site with one of these answers is not asked again in the same run


@dataclass
class Ledger:
    """Written by the server after every step, so that it tells the truth even when the server dies."""

    path: Path = Path(NAME)
    content: dict[str, Any] = field(default_factory=dict)
    _round_began: float = field(default_factory=time.monotonic)

    def open(self, job: str, declared: dict[str, Any], sites: Iterable[str]) -> None:
        """Begin: what was declared, who was invited."""
        self._round_began = time.monotonic()
        self.content = {
            "schema": "fedbundle-ledger-1",
            "job": job,
            "outcome": RUNNING,
            "reason": "",
            "started": now(),
            "declared": declared,
            "sites": {site: {"state": "invited", "reason": ""} for site in sorted(sites)},
            "rounds": [],
        }
        self._write()

    def add_round(self, number: int, answers: dict[str, Answer], **result: Any) -> None:
        """Add one round: each site's part and what came of them."""
        seconds = time.monotonic() - self._round_began
        self._round_began = time.monotonic()
        self.content["rounds"].append(
            {
                "round": number,
                "seconds": round(seconds, 2),
                **result,
                "sites": {site: answers[site].record() for site in sorted(answers)},
            }
        )
        self._note_states(answers)

    def add_evaluation(self, name: str, answers: dict[str, Answer], **result: Any) -> None:
        """Add an evaluation of final weights: each site's metrics on one section of its data."""
        self.content.setdefault("evaluations", {})[name] = {
            **result,
            "sites": {site: answers[site].record() for site in sorted(answers)},
        }
        self._note_states(answers)

    def select(self, **selected: Any) -> None:
        """Say which weights were selected, and why."""
        self.content["selected"] = selected
        self._write()

    def close(self, outcome: str, reason: str = "") -> None:
        """End; the first verdict stands."""
        if self.content.get("outcome") == RUNNING:
            self.content |= {"outcome": outcome, "reason": reason, "ended": now()}
            self._write()

    def note(self, site: str, state: str, reason: str) -> None:
        """Say at once what has become of a site, before its round ends."""
        self.content["sites"][site] = {"state": state, "reason": reason, "since": now()}
        self._write()

    def progress(self) -> dict[str, Any]:
        """What a watcher wants to know now."""
        rounds = self.content.get("rounds", [])
        return {
            "outcome": self.content.get("outcome", RUNNING),
            "rounds_done": len(rounds),
            "rounds": self.content.get("declared", {}).get("rounds", 0),
            "key_metric": self.content.get("declared", {}).get("key_metric", ""),
            "metric": rounds[-1].get("metric") if rounds else None,
            "seconds": rounds[-1]["seconds"] if rounds else None,
            "sites": {site: state["state"] for site, state in self.content.get("sites", {}).items()},
            "reasons": {site: s["reason"] for site, s in self.content.get("sites", {}).items() if s["reason"]},
        }

    def _note_states(self, answers: dict[str, Answer]) -> None:
        for site, answer in answers.items():
            state = "in" if answer.status in (USED, EVALUATED) else answer.status
            if self.content["sites"].get(site, {}).get("state") != state:
                self.content["sites"][site] = {"state": state, "reason": answer.reason, "since": now()}
        self._write()

    def _write(self) -> None:
        write_json(self.path, self.content)


def now() -> str:
    """Coordinated universal time, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def find(result: Path) -> dict[str, Any]:
    """Read the ledger of a downloaded job result, a job folder, or the file itself.

    Raises:
        InputError: there is none, or it is damaged.
    """
    candidates = [result] if result.is_file() else sorted(result.rglob(NAME))
    if len(candidates) != 1:
        raise InputError(
            f"result must hold one {NAME}, got {len(candidates)} under {result}; name the job's own folder"
        )
    ledger = read_json(candidates[0])
    if not isinstance(ledger, dict) or ledger.get("schema") != "fedbundle-ledger-1":
        raise InputError(
            f"{candidates[0]} must follow schema fedbundle-ledger-1, got another; was it made by fedbundle?"
        )
    return ledger


def render(ledger: dict[str, Any]) -> str:
    """The ledger as a table for people."""
    declared = ledger["declared"]
    lines = [
        f"{declared['bundle']} {declared['version']}  {declared['recipe_digest'][:19]}  job {ledger['job']}",
        f"{ledger['outcome']}  {len(ledger['rounds'])} of {declared['rounds']} rounds, quorum {declared['quorum']}"
        + (f"  ({ledger['reason']})" if ledger["reason"] else ""),
        "",
        f"{'site':14} {'rounds':>6} {'offered':>8} {'used':>6} {'steps':>6} {'weight':>7}  state",
    ]
    for site, state in ledger["sites"].items():
        parts = [entry["sites"][site] for entry in ledger["rounds"] if site in entry["sites"]]
        used = [part for part in parts if part["status"] == USED]
        cases = used[-1]["cases"] if used else {"offered": "-", "used": "-"}
        lines.append(
            f"{site:14} {len(used):>6} {cases['offered']:>8} {cases['used']:>6} "
            f"{sum(part.get('steps', 0) for part in used):>6} {(used[-1]['weight'] if used else 0):>7g}  "
            f"{state['state']} {state['reason']}".rstrip()
        )
    if selected := ledger.get("selected"):
        lines += ["", f"selected: round {selected['round']} by {selected['key_metric']} {selected['metric']:.3f}"]
    if put := ledger.get("selected", {}).get("calibration"):
        why = f" ({put['reason']})" if "reason" in put else ""
        lines += [f"calibration: {put['weight']} times {put['value']:g}{why}"]
    for name, evaluation in ledger.get("evaluations", {}).items():
        grid = _numbered(evaluation)
        left_out = f"  ({len(grid)} metrics of a calibration left out, --json has them)" if grid else ""
        lines += ["", f"{name}:{left_out}"]
        lines += [f"  {site:14} {_metrics_line(part, grid)}" for site, part in evaluation["sites"].items()]
    return "\n".join(lines)


def _numbered(evaluation: dict[str, Any]) -> set[str]:
    """Metrics of which there are many that differ by a trailing decimal number only."""
    names = {name for part in evaluation["sites"].values() for name in part.get("metrics", {})}
    stems = {name: match[1] for name in names if (match := NUMBERED.fullmatch(name))}
    many = list(stems.values())
    return {name for name, stem in stems.items() if many.count(stem) > MOST_NUMBERED}


def _metrics_line(part: dict[str, Any], left_out: Collection[str]) -> str:
    metrics = {name: told for name, told in part.get("metrics", {}).items() if name not in left_out}
    if not metrics:
        return f"{part['status']} {part.get('reason', '')}".rstrip()
    told = "  ".join(f"{name} {_value(value)}" for name, value in metrics.items())
    return f"n {next(iter(metrics.values()))['n']!s:>4}  {told}"


def _value(told: dict[str, Any]) -> str:
    if told["value"] is None:
        return "withheld or not computable"
    return f"{told['value']:.3f}" + (" [{:.3f}, {:.3f}]".format(*told["ci95"]) if "ci95" in told else "")
