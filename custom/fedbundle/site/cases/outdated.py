"""Cases that were made under other privacy settings or rules than the present ones, and were not offered since.

A change of settings makes every case anew whose study is offered. One that is not offered stays as it was made: with
its face, or where the scanner saw it. Then a dataset is not what `site.toml` says, and this finds out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fedbundle.dicom.deid.options import Options
from fedbundle.site.cases.workplace import Workplace
from fedbundle.site.journal import Line, used

REMEDY = "ingest them again from their source, or take them out with --exclude"


@dataclass(frozen=True)
class Outdated:
    """Cases by what was another when they were made; a case stands in the first list that it belongs to."""

    privacy: tuple[str, ...]  # options of de-identification, or the program that removes faces
    rules: tuple[str, ...]  # of bundle or site
    unknown: tuple[str, ...]  # not on record: they were made before it was noted
    cases: int  # in the dataset

    @classmethod
    def of(cls, journal: Mapping[str, list[Line]], place: Workplace) -> "Outdated":
        """Compare the lines of all cases in the dataset with what an ingest would work with now."""
        found: dict[str, list[str]] = {"privacy": [], "rules": [], "unknown": []}
        cases = {case: lines for case, lines in sorted(journal.items()) if used(lines)}
        for case, lines in cases.items():
            other = other_privacy(lines, place)
            if other:
                found["privacy"].append(case)
            elif lines[0].get("rules") != place.rules_digest:
                found["rules"].append(case)
            elif other is None:
                found["unknown"].append(case)
        return cls(tuple(found["privacy"]), tuple(found["rules"]), tuple(found["unknown"]), len(cases))

    def warnings(self) -> list[str]:
        """What to tell of them, and what to do."""
        told = [
            (self.privacy, "de-identified otherwise than site.toml says now", f"no run uses this dataset; {REMEDY}"),
            (self.rules, "made by other rules than those of bundle and site now", REMEDY),
            (self.unknown, "made before it was noted how", "ingest them again from their source to be sure"),
        ]
        return [f"{words}: {len(each)} of {self.cases} cases; {what}" for each, words, what in told if each]


def other_privacy(lines: list[Line], place: Workplace) -> bool | None:
    """A case was made under other privacy settings, as far as they bear on it; None where that is not on record."""
    found = [_differs(line, place) for line in lines if line["role"]]
    return True if True in found else None if None in found else False


def _differs(line: Line, place: Workplace) -> bool | None:
    now = place.privacy
    head = "deface" in place.rules["inputs"].get(line["role"], {})
    if "privacy" not in line:
        face_is_left = isinstance(line.get("defaced"), str)
        return True if head and now["deface"] and face_is_left else None
    bearing = {"deface"} if head else set()
    if "text_in_pixels" not in line:  # a radiograph lies nowhere in the patient
        bearing |= {"rebase"}
    if "dicom" in line:
        bearing |= asdict(Options()).keys()
    return any(line["privacy"].get(name) != now[name] for name in bearing)
