"""Choose the series of one study that play the roles of a bundle, and say of every series why or why not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fedbundle.dicom.gate import SOUNDNESS_CODES, USED, Verdict, examine
from fedbundle.dicom.geometry import nearest_plane
from fedbundle.dicom.header import number, text, tolerant
from fedbundle.dicom.rules import checked_rules, described, misfit, pixel_spacing_mm, slice_step_mm
from fedbundle.dicom.series import Series
from fedbundle.errors import NoUsableSeriesError

NOT_PREFERRED = "NOT_PREFERRED"
NO_SERIES_FOR_ROLE = "NO_SERIES_FOR_ROLE"
CHOICE_CODES = (USED, NOT_PREFERRED, NO_SERIES_FOR_ROLE)


@dataclass(frozen=True)
class Decision:
    """What became of one series; `role` is "" unless it plays one."""

    series: Series
    role: str
    code: str  # USED, NOT_PREFERRED, or why it was refused
    detail: str


@dataclass(frozen=True)
class Choice:
    """One series per role, and a decision for every series of the study."""

    chosen: dict[str, Series]
    decisions: tuple[Decision, ...]
    code: str  # USED when every role is filled, else the code of the study
    detail: str

    def require(self) -> dict[str, Series]:
        """Series by role.

        Raises:
            NoUsableSeriesError: a role is not filled.
        """
        if self.code != USED:
            codes = Counter(decision.code for decision in self.decisions)
            told = ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))
            raise NoUsableSeriesError(
                f"study must hold a series for each role, got {self.code} ({self.detail}) of {len(self.decisions)} "
                f"series: {told}; docs/reference/reason-codes.md says what each code means"
            )
        return self.chosen


def choose(series: list[Series], rules: dict[str, Any]) -> Choice:
    """Fill every role with the best series that is sound and fits; a series plays one role at most.

    Args:
        series: of one study, as `scan` returns them.
        rules: content of the bundle's configs/ingest.json.

    Raises:
        BundleError: the rules break their schema.
    """
    with tolerant():
        roles = checked_rules(rules)["inputs"]
        chosen: dict[str, Series] = {}
        told: dict[Series, tuple[str, str, str]] = {}  # role, code, detail
        missing: list[tuple[str, str]] = []
        for role, wanted in roles.items():
            verdicts = {each: examine(each, wanted) for each in series if each not in chosen.values()}
            fitting = sorted((each for each, verdict in verdicts.items() if verdict.used), key=_order(wanted))
            if fitting:
                chosen[role] = fitting[0]
                told[fitting[0]] = (role, USED, _why(fitting, wanted))
                reason = f"fits {role}, but another is before it by {_criteria(wanted)}"
                told |= {each: ("", NOT_PREFERRED, f"{describe(each)}: {reason}") for each in fitting[1:]}
            else:
                missing.append(_nearest(role, wanted, verdicts))
            for each, verdict in verdicts.items():
                if not verdict.used:
                    told.setdefault(each, ("", verdict.code, verdict.detail))
        decisions = tuple(Decision(each, *told[each]) for each in series)
    return Choice(chosen, decisions, *(missing[0] if missing else (USED, f"{len(chosen)} roles filled")))


def describe(series: Series) -> str:
    """Geometry and timing of a sound series in words, without a name, date or exact position."""
    first = series.first
    found = series.planes[0]
    if found is None:
        return "no geometry"
    name, angle = nearest_plane(found.normal)
    size = f"{number(first, 'Columns') or 0:.0f}x{number(first, 'Rows') or 0:.0f}x{len(series.headers)}"
    spacing = f"{found.spacing[1]:.4g}x{found.spacing[0]:.4g}x{slice_step_mm(series) or 0:.4g} mm"
    echo = number(first, "EchoTime")
    return f"{name} ({angle:.0f} degrees oblique), {size}, {spacing}" + (f", echo time {echo:g} ms" if echo else "")


def _why(fitting: list[Series], wanted: dict[str, Any]) -> str:
    choice = "the only candidate" if len(fitting) == 1 else f"first of {len(fitting)} by {_criteria(wanted)}"
    return f"{describe(fitting[0])}: {choice}"


def _nearest(role: str, wanted: dict[str, Any], verdicts: dict[Series, Verdict]) -> tuple[str, str]:
    """Code of a study without a series for a role: of the series that was meant, where that can be told."""
    unsound = {each: verdict for each, verdict in verdicts.items() if verdict.code in SOUNDNESS_CODES}
    meant = [v for each, v in unsound.items() if (misfit(each, wanted) or (v.code,))[0] == v.code]
    if not meant and len({verdict.code for verdict in verdicts.values()}) == 1:
        meant = list(verdicts.values())
    return (meant[0].code, meant[0].detail) if meant else (NO_SERIES_FOR_ROLE, f"none of {len(verdicts)} fits {role}")


def _criteria(wanted: dict[str, Any]) -> str:
    return ", ".join(wanted.get("rank", ())) or "order of series"


def _order(wanted: dict[str, Any]) -> Callable[[Series], tuple[Any, ...]]:
    """Sort key: the criteria of `rank`, then series number, then the UID, so that the choice never hangs on chance."""
    patterns = wanted.get("description", {}).get("prefer", [])
    criteria: dict[str, Callable[[Series], Any]] = {
        "described": lambda series: not described(series, patterns),
        "finest_pixels": lambda series: round(pixel_spacing_mm(series) or 0, 3),
        "most_slices": lambda series: -len(series.headers),
        "latest": lambda series: -_acquired(series),
    }
    rank = [criteria[name] for name in wanted.get("rank", ())]
    return lambda series: (*(rule(series) for rule in rank), number(series.first, "SeriesNumber") or 0, series.uid)


def _acquired(series: Series) -> float:
    """Date and time of acquisition as one number yyyymmddhhmmss.f, 0 when absent."""
    date, time = (text(series.first, name) for name in ("AcquisitionDate", "AcquisitionTime"))
    try:
        return float(f"{date or 0:0>8}{time or 0:0>6}")
    except ValueError:
        return 0.0
