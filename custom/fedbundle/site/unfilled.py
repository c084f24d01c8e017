"""Cases of the dataset that lack an optional role although a series was meant for it: told with its codes."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from fedbundle.site.journal import Line, used
from fedbundle.site.wording import many


def unfilled(journal: Mapping[str, list[Line]]) -> list[str]:
    """What to say of each role.

    Args:
        journal: lines by case; `meant_for` in a line names the optional role that its series could not play.
    """
    cases: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    for case, lines in journal.items():
        meant = {(line["meant_for"], line["code"]) for line in lines if "meant_for" in line} if used(lines) else set()
        for role, code in meant:
            cases[role].add(case)
            codes[role][code] += 1
    return [
        f"{many(len(cases[role]), 'study has', 'studies have')} a {role} that cannot be used and "
        f"{'is' if len(cases[role]) == 1 else 'are'} taken without it: "
        + ", ".join(f"{count} {code}" for code, count in sorted(codes[role].items()))
        for role in sorted(cases)
    ]
