"""How counts leave the site: of few patients none exactly, nor anything from which such a count could be computed.

A count is told exactly when it is 0 or when at least `min_cell` patients stand behind it; else as "<min_cell", which
says: of fewer than `min_cell` patients. Patients are counted, not cases: one patient may have many studies or sides.

Masking each count for itself would be undone by subtraction: used cases from offered ones give the dropped ones. So a
sum is told exactly only when all its parts are. Else it is told as "<k", where k follows from what is told of the
parts; a sum so told says nothing that its parts do not say.

Two quantities leave the site all the same, and approving a bundle approves that: the number of training cases used, as
the weight of federated averaging, from which no other masked count follows; and values of metrics over few patients, as
`flare.statistics` says. What nothing here can prevent is that two runs are compared, between which one patient came or
went.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def told(patients: Sequence[str], min_cell: int) -> int | str:
    """A number of cases as it may leave the site.

    Args:
        patients: pseudonym of the patient of each case.
        min_cell: so many patients must stand behind an exact number.
    """
    return masked(len(patients), min_cell, len(set(patients)))


def masked(count: int, min_cell: int, patients: int | None = None) -> int | str:
    """A count as it may leave the site: exact from `min_cell` patients upwards, else "<min_cell"; 0 stays 0.

    Args:
        count: what is told.
        min_cell: least number of patients.
        patients: how many stand behind the count; when not given, one each.
    """
    return count if count == 0 or (count if patients is None else patients) >= min_cell else f"<{min_cell}"


def below(count: int, min_cell: int) -> str:
    """A count that is not told, roughly: "<5", "<10", "<20", "<40" and so on, where `min_cell` is 5."""
    bound = min_cell
    while bound <= count:
        bound *= 2
    return f"<{bound}"


def cases_told(used: Sequence[str], dropped: Mapping[str, Sequence[str]], min_cell: int) -> dict[str, Any]:
    """Cases offered, used and dropped by reason, none of them to be computed from the others where it is masked.

    Args:
        used: pseudonym of the patient of each case that is used.
        dropped: reason code -> pseudonym of the patient of each case that is not.
        min_cell: so many patients must stand behind an exact number.
    """
    parts = [told(part, min_cell) for part in (used, *dropped.values())]
    exact = [part for part in parts if isinstance(part, int)]
    hidden = len(parts) - len(exact)
    offered = f"<{sum(exact) + hidden * (min_cell - 1) + 1}" if hidden else sum(exact)
    return {"offered": offered, "used": parts[0], "dropped": dict(zip(dropped, parts[1:], strict=True))}
