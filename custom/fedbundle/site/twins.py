"""Cases of different patients that have the same image: a person registered twice, or a study given to two patients."""

from collections import defaultdict
from collections.abc import Mapping

from fedbundle.site.journal import Line, files_of, used

MOST_TOLD = 5  # cases of a group


def twins(journal: Mapping[str, list[Line]], label: str | None) -> list[list[str]]:
    """Groups of such cases, sorted; images are the same when their files are, byte by byte.

    So the same voxels under another affine, as `rebase` makes them, are not found.

    Args:
        journal: lines by case.
        label: datalist key of the masks, which may well be alike; None where the bundle has none.
    """
    cases: dict[str, set[str]] = defaultdict(set)
    for case, lines in journal.items():
        if used(lines):
            for key, file in files_of(lines).items():
                if key != label:
                    cases[file["sha256"]].add(case)
    groups = {tuple(sorted(each)) for each in cases.values() if len({journal[c][0]["patient"] for c in each}) > 1}
    return [list(group) for group in sorted(groups)]


def told_of(groups: list[list[str]]) -> list[str]:
    """What to say of each group."""
    return [
        f"cases {', '.join(group[:MOST_TOLD])}{f' and {len(group) - MOST_TOLD} more' if group[MOST_TOLD:] else ''} "
        "are of different patients and have the same image; if it is one person, training and test may share it: "
        "take all but one out with --exclude"
        for group in groups
    ]
