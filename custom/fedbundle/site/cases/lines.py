"""What the journal tells of a study: one line per series, or per role that its volumes play."""

from collections.abc import Mapping

from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.dicom.gate.objects import is_projection
from fedbundle.dicom.gate.roles import NOT_PREFERRED, Choice, Decision
from fedbundle.dicom.gate.verdict import USED
from fedbundle.dicom.series import Series
from fedbundle.dicom.technical import technical
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.journal import Line
from fedbundle.site.labels.study import Row
from fedbundle.site.refusal import MISSING_INSTANCES

LOOKED_AT = "a person has looked"


def lines_of(
    case: str,
    patient: str,
    study: list[Series],
    place: Workplace,
    choice: Choice | None,
    short: Mapping[str, str],
    refusal: tuple[str, str] | None = None,
) -> list[Line]:
    """One line per series, or per role that its volumes play.

    `short` are those that did not arrive whole; `refusal` is why the study as a whole cannot be used although its
    series could be.
    """
    decisions = choice.decisions if choice else [Decision(series, "", "", "", series) for series in study]
    lines = []
    for decision in decisions:
        role = decision.role if not refusal else ""
        code, detail = decision.code, decision.detail
        if decision.series.uid in short:
            code, detail = MISSING_INSTANCES, short[decision.series.uid]
        elif refusal and code in ("", USED):
            code, detail = refusal
        lines.append(
            {
                "case": case,
                "patient": patient,
                "study": pseudonym(place.key, "study", decision.series.study_uid),
                "series": pseudonym(place.key, "series", decision.series.uid),
                "series_in_study": len(decisions),
                "decision": "used" if role else "not chosen" if code == NOT_PREFERRED else "refused",
                "role": role,
                "code": code,
                "detail": detail,
                **({"meant_for": decision.meant_for} if decision.meant_for else {}),
                "rules": place.rules_digest,
                **({"privacy": place.privacy} if role else {}),
                "headers": technical(decision.volume),
                **({"text_in_pixels": search_of(case, place)} if role and is_projection(decision.volume) else {}),
            }
        )
    return lines


def add_what_was_made(lines: list[Line], source: str, what: dict[str, Line], rows: tuple[Row, ...]) -> None:
    """Complete the lines of the chosen series; rows of the table stand in the first of them."""
    made = [line for line in lines if line["role"]]
    for line in made:
        line["source"] = source
        line.update(what[line["role"]])
        if quantity := line.get("quantity"):
            line["headers"] |= {"units": quantity["units"]}
    if rows:
        made[0]["table"] = list(rows)


def search_of(case: str, place: Workplace) -> str:
    """What became of the search for text in a radiograph that is used."""
    return LOOKED_AT if case in place.reviewed else "none found, nobody has looked"
