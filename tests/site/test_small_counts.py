"""Counts that leave the site: no small one, and none from which a small one can be computed."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import pytest

from fedbundle.site.small_counts import cases_told, told

Part = tuple[int, int]  # patients, cases
MOST = 2  # cases of one patient


def parts(most: int) -> Iterator[Part]:
    """None, and all numbers of patients with all numbers of cases that they can have."""
    yield (0, 0)
    yield from ((patients, cases) for patients in range(1, most + 1) for cases in range(patients, MOST * patients + 1))


def owners(part: Part) -> list[str]:
    """The patient of each case."""
    return [str(case % part[0]) for case in range(part[1])]


@pytest.mark.parametrize("min_cell", [3, 4, 5])
@pytest.mark.parametrize("reasons", [1, 2])
@pytest.mark.parametrize("weight_is_known", [False, True])
def test_no_masked_count_can_be_computed_from_all_that_is_told(
    min_cell: int, reasons: int, weight_is_known: bool
) -> None:
    """All small datasets, grouped by what they tell: of every count of few patients at least two values are left."""
    alike: dict[str, list[tuple[Part, ...]]] = defaultdict(list)
    for used, *lost in product(parts(min_cell + 1), *[list(parts(min_cell + 1))[1:]] * reasons):
        dropped = {f"REASON_{'AB'[number]}": owners(part) for number, part in enumerate(lost)}
        seen = [cases_told(owners(used), dropped, min_cell), used[1] if weight_is_known else None]
        alike[repr(seen)].append((used, *lost))
    for group in alike.values():
        for number in range(1 + reasons):
            patients = {made[number][0] for made in group}
            if any(0 < count < min_cell for count in patients) and not (weight_is_known and number == 0):
                assert len(patients) > 1, group[0]
                assert len({made[number][1] for made in group}) > 1, group[0]
        if any(0 < part[0] < min_cell for part in group[0][1:]):
            assert len({sum(part[1] for part in made[1:]) for made in group}) > 1, "dropped in all"
            assert len({sum(part[1] for part in made) for made in group}) > 1, "offered"


@pytest.mark.parametrize(
    ("used", "dropped", "expected"),
    [
        (6, {}, {"offered": 6, "used": 6, "dropped": {}}),
        (13, {"A": 1}, {"offered": "<18", "used": 13, "dropped": {"A": "<5"}}),
        (13, {"A": 7}, {"offered": 20, "used": 13, "dropped": {"A": 7}}),
        (13, {"A": 7, "B": 4}, {"offered": "<25", "used": 13, "dropped": {"A": 7, "B": "<5"}}),
        (3, {"A": 7}, {"offered": "<12", "used": "<5", "dropped": {"A": 7}}),
        (3, {}, {"offered": "<5", "used": "<5", "dropped": {}}),
        (0, {}, {"offered": 0, "used": 0, "dropped": {}}),
    ],
)
def test_a_sum_is_exact_only_when_all_its_parts_are(used: int, dropped: dict[str, int], expected: object) -> None:
    lost = {why: owners((count, count)) for why, count in dropped.items()}
    assert cases_told(owners((used, used)), lost, 5) == expected


def test_ten_studies_of_four_patients_are_few() -> None:
    assert told(owners((4, 10)), 5) == "<5"
    assert told(owners((5, 10)), 5) == 10
    assert told(owners((1, 1)), 1) == 1
