"""Choose the series of one study that play the roles of a bundle, and say of every series why or why not."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fedbundle.dicom.diffusion import is_calculated
from fedbundle.dicom.gate.objects import is_projection
from fedbundle.dicom.gate.overrides import with_site
from fedbundle.dicom.gate.rules import (
    LAST_CODES,
    described,
    detector_spacing_mm,
    misfit,
    pixel_spacing_mm,
    slice_step_mm,
)
from fedbundle.dicom.gate.verdict import SOUNDNESS_CODES, USED, Verdict, candidates
from fedbundle.dicom.geometry import nearest_plane
from fedbundle.dicom.header import number, text, tolerant
from fedbundle.dicom.series import Series
from fedbundle.errors import NoUsableSeriesError

NOT_PREFERRED = "NOT_PREFERRED"
NO_SERIES_FOR_ROLE = "NO_SERIES_FOR_ROLE"
WRONG_MODALITY = "WRONG_MODALITY"
BY_SITE = "by the site's rule"
PREFER_MEASURED = "prefer measured"
MEANT_CODES = frozenset({*SOUNDNESS_CODES, *LAST_CODES})  # of series that may have been meant for a role
CHOICE_CODES = (USED, NOT_PREFERRED, NO_SERIES_FOR_ROLE)


@dataclass(frozen=True)
class Decision:
    """What became of one series; `role` is "" unless it plays one."""

    series: Series
    role: str
    code: str  # USED, NOT_PREFERRED, or why it was refused
    detail: str
    volume: Series  # the part of the series that plays the role; else the series
    meant_for: str = ""  # optional role that nothing plays, though this series was meant for it


@dataclass(frozen=True)
class Choice:
    """One volume per role, and what became of every series of the study."""

    chosen: dict[str, Series]  # without optional roles that no series can play
    decisions: tuple[Decision, ...]  # in the order of the series; several for one whose volumes play several roles
    code: str  # USED when every role is filled that is not optional, else the code of the study
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

    def without(self, lost: Mapping[str, tuple[str, str]]) -> "Choice":
        """The choice where optional roles turned out unusable when they were read: role -> code and detail."""
        chosen = {role: volume for role, volume in self.chosen.items() if role not in lost}
        decisions = tuple(
            replace(each, role="", code=lost[each.role][0], detail=lost[each.role][1], meant_for=each.role)
            if each.role in lost
            else each
            for each in self.decisions
        )
        return replace(self, chosen=chosen, decisions=decisions)


def choose(series: list[Series], rules: dict[str, Any], site: Mapping[str, dict[str, Any]] | None = None) -> Choice:
    """Fill every role with the best volume that is sound and fits; a volume plays one role at most.

    An optional role may stay empty; what was meant for it keeps its own code.

    Args:
        series: of one study, as `scan` returns them.
        rules: content of the bundle's configs/ingest.json, as `checked_rules` returns it.
        site: role -> what `[roles.<bundle>.<role>]` of site.toml adds; where it decides, the detail says so.

    Raises:
        SiteError: the site names a role that the bundle does not have.
    """
    with tolerant():
        choice = _choice(series, rules["inputs"])
        if not site:
            return choice
        without = {(each.series, each.role, each.code) for each in choice.decisions}
        choice = _choice(series, with_site(rules, site)["inputs"])
    decisions = [
        each if (each.series, each.role, each.code) in without else replace(each, detail=f"{each.detail}; {BY_SITE}")
        for each in choice.decisions
    ]
    return replace(choice, decisions=tuple(decisions))


def _choice(series: list[Series], roles: dict[str, Any]) -> Choice:
    chosen: dict[str, Series] = {}
    used: dict[Series, list[Decision]] = {each: [] for each in series}
    others: dict[Series, Decision] = {}
    missing: list[tuple[str, str]] = []
    meant: dict[Series, str] = {}
    for role, wanted in roles.items():
        verdicts = {each: _free(candidates(each, wanted), chosen) for each in series}
        owner = {volume: each for each, found in verdicts.items() for volume in found}
        judged = {volume: verdict for found in verdicts.values() for volume, verdict in found.items()}
        fitting = sorted((volume for volume, verdict in judged.items() if verdict.used), key=_order(wanted))
        if fitting:
            best = chosen[role] = fitting[0]
            used[owner[best]].append(Decision(owner[best], role, USED, _why(fitting, wanted), best))
            reason = f"fits {role}, but another is before it by {_criteria(wanted)}"
            for volume in reversed(fitting[1:]):
                told = f"{describe(volume)}: {reason}"
                others[owner[volume]] = Decision(owner[volume], "", NOT_PREFERRED, told, owner[volume])
        elif "optional" not in wanted:
            missing.append(_nearest(role, wanted, judged))
        else:
            own = not any(_modalities(wanted) & _modalities(other) for name, other in roles.items() if name != role)
            meant |= {each: role for each, found in verdicts.items() if _is_meant(found, wanted, own)}
        for each, found in verdicts.items():
            if found and not any(verdict.used for verdict in found.values()):
                code, detail = _nearest(role, wanted, found, alone=True)
                if each not in others or code in LAST_CODES or meant.get(each) == role:
                    others[each] = Decision(each, "", code, detail, each, meant.get(each, ""))
    decisions = [decision for each in series for decision in used[each] or [others[each]]]
    return Choice(chosen, tuple(decisions), *(missing[0] if missing else (USED, f"{len(chosen)} roles filled")))


def _free(found: list[tuple[Series, Verdict]], chosen: dict[str, Series]) -> dict[Series, Verdict]:
    """Volumes of which no slice plays a role already."""
    taken = {slice_ for volume in chosen.values() for slice_ in zip(volume.files, volume.frames, strict=True)}
    return {
        volume: verdict for volume, verdict in found if taken.isdisjoint(zip(volume.files, volume.frames, strict=True))
    }


def describe(series: Series) -> str:
    """Geometry and timing of a sound series in words, without a name, date or exact position."""
    first = series.first
    found = series.planes[0]
    matrix = f"{number(first, 'Columns') or 0:.0f}x{number(first, 'Rows') or 0:.0f}"
    part = f"{series.told}: " if series.told else ""
    if is_projection(series):
        spacing = detector_spacing_mm(first) or (0.0, 0.0)
        return f"{part}radiograph, {matrix}, {spacing[1]:.4g}x{spacing[0]:.4g} mm"
    if found is None:
        return "no geometry"
    name, angle = nearest_plane(found.normal)
    step = f"{found.spacing[1]:.4g}x{found.spacing[0]:.4g}x{slice_step_mm(series) or 0:.4g} mm"
    told = f"{part}{name} ({angle:.0f} degrees oblique), {matrix}x{len(series.headers)}, {step}"
    echo = number(first, "EchoTime")
    return told + (f", echo time {echo:g} ms" if echo else "")


def _why(fitting: list[Series], wanted: dict[str, Any]) -> str:
    choice = "the only candidate" if len(fitting) == 1 else f"first of {len(fitting)} by {_criteria(wanted)}"
    return f"{describe(fitting[0])}: {choice}"


def _nearest(
    role: str, wanted: dict[str, Any], verdicts: dict[Series, Verdict], alone: bool = False
) -> tuple[str, str]:
    """Code where no volume fits a role: of the one that was meant, where that can be told.

    `alone`: the volumes are all of one series, so one of their codes is told in any case.
    """
    meant = _meant(verdicts, wanted)
    if not meant and (alone or len({verdict.code for verdict in verdicts.values()}) == 1):
        meant = list(verdicts.values())
    return (meant[0].code, meant[0].detail) if meant else (NO_SERIES_FOR_ROLE, f"none of {len(verdicts)} fits {role}")


def _meant(verdicts: dict[Series, Verdict], wanted: dict[str, Any]) -> list[Verdict]:
    """Of volumes that are unsound or lack their quantity, and would fit the role but for that."""
    unsound = {each: verdict for each, verdict in verdicts.items() if verdict.code in MEANT_CODES}
    return [v for each, v in unsound.items() if (misfit(each, wanted) or (v.code,))[0] == v.code]


def _is_meant(verdicts: dict[Series, Verdict], wanted: dict[str, Any], own: bool) -> bool:
    """A series was meant for an optional role; where the modality is its `own` alone, any of that modality was."""
    right = {each: verdict for each, verdict in verdicts.items() if verdict.code != WRONG_MODALITY}
    return bool(right if own else _meant(right, wanted))


def _modalities(wanted: dict[str, Any]) -> set[str]:
    named = wanted["modality"]
    return {named} if isinstance(named, str) else set(named)


def _criteria(wanted: dict[str, Any]) -> str:
    measured = ["measured"] if wanted.get("b_value", {}).get("calculated") == PREFER_MEASURED else []
    return ", ".join([*measured, *wanted.get("rank", ())]) or "order of series"


def _order(wanted: dict[str, Any]) -> Callable[[Series], tuple[Any, ...]]:
    """Sort key: the criteria of `rank`, then series number, then the UID, so that the choice never hangs on chance."""
    patterns = wanted.get("description", {}).get("prefer", [])
    criteria: dict[str, Callable[[Series], Any]] = {
        "described": lambda series: not described(series, patterns),
        "finest_pixels": lambda series: round(pixel_spacing_mm(series) or 0, 3),
        "most_slices": lambda series: -len(series.headers),
        "latest": lambda series: -_acquired(series),
        "highest_b": lambda series: -(series.b_values[0] or 0),
        "lowest_b": lambda series: series.b_values[0] or 0,
    }
    rank = [criteria[name] for name in wanted.get("rank", ())]
    if wanted.get("b_value", {}).get("calculated") == PREFER_MEASURED:
        rank.insert(0, lambda series: is_calculated(series.first))
    return lambda series: (*(rule(series) for rule in rank), number(series.first, "SeriesNumber") or 0, series.uid)


def _acquired(series: Series) -> float:
    """Date and time of acquisition as one number yyyymmddhhmmss.f, 0 when absent."""
    date, time = (text(series.first, name) for name in ("AcquisitionDate", "AcquisitionTime"))
    if not date and (both := text(series.first, "AcquisitionDateTime")):  # so in multi-frame images
        date, time = both[:8], both[8:].partition("+")[0].partition("-")[0]
    try:
        return float(f"{date or 0:0>8}{time or 0:0>6}")
    except ValueError:
        return 0.0
