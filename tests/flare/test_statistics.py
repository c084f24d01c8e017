"""What a hospital tells of its per-case results."""

import numpy as np
import pytest

from fedbundle.flare.statistics import Measured, summary
from fedbundle.site.small_counts import masked


def of(values: list[float], patients: list[str] | None = None) -> dict[str, object]:
    return summary(Measured.of_cases(values), patients or [str(n) for n in range(len(values))], 5, seed=0)


def largest(rows: np.ndarray) -> float:
    return float(rows[:, 0].max()) if rows[:, 1].any() else float("nan")


def test_interval_holds_the_mean_and_matches_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.8, 0.1, 200)
    told = of(list(values))
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert told["ci95"] == pytest.approx([values.mean() - half, values.mean() + half], abs=2e-3)
    assert told["n"] == 200


def test_patients_with_many_cases_are_drawn_whole() -> None:
    values = list(np.random.default_rng(1).normal(0.8, 0.1, 50))
    single, fourfold = of(values)["ci95"], of(values * 4, [str(n) for n in range(50)] * 4)["ci95"]
    assert fourfold == pytest.approx(single, abs=1e-9)


def test_few_patients_give_no_spread() -> None:
    assert of([0.5, 0.7]) == {"value": 0.6, "n": "<5"}


def test_undefined_cases_are_left_out() -> None:
    assert of([0.5] * 5 + [float("nan")])["n"] == 5
    assert of([float("nan")]) == {"value": None, "n": 0}


def test_patients_are_counted_and_not_their_cases() -> None:
    assert of([0.5, 0.7] * 4, ["a", "b", "c", "d"] * 2) == {"value": 0.6, "n": "<5"}
    assert of([0.5, 0.7] * 5, ["a", "b", "c", "d", "e"] * 2)["n"] == 10


def test_a_statistic_of_the_set_has_an_interval_and_no_spread_of_cases() -> None:
    rows = np.stack([np.arange(40.0), np.ones(40)], axis=1)
    told = summary(Measured(rows, largest), [str(n) for n in range(40)], 5, seed=0)
    assert (told["value"], told["n"]) == (39.0, 40)
    assert "sd" not in told
    assert told["ci95"][0] < told["ci95"][1] == 39.0


def test_an_undefined_statistic_is_no_number() -> None:
    rows = np.zeros((9, 2))
    assert summary(Measured(rows, largest), [str(n) for n in range(9)], 5, seed=0) == {"value": None, "n": 0}


@pytest.mark.parametrize(("count", "told"), [(0, 0), (1, "<5"), (4, "<5"), (5, 5)])
def test_small_counts_are_masked(count: int, told: object) -> None:
    assert masked(count, 5) == told
