"""What a hospital tells of its per-case results."""

import numpy as np
import pytest

from fedbundle.flare.statistics import summary
from fedbundle.site.small_counts import masked


def test_interval_holds_the_mean_and_matches_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.8, 0.1, 200)
    told = summary(values, 5, seed=0)
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert told["ci95"] == pytest.approx([values.mean() - half, values.mean() + half], abs=2e-3)
    assert told["n"] == 200


def test_few_patients_give_no_spread() -> None:
    assert summary([0.5, 0.7], 5, seed=0) == {"value": 0.6, "n": "<5"}


def test_undefined_cases_are_left_out() -> None:
    assert summary([0.5] * 5 + [float("nan")], 5, seed=0)["n"] == 5
    assert summary([float("nan")], 5, seed=0) == {"value": None, "n": 0}


def test_patients_are_counted_and_not_their_cases() -> None:
    assert summary([0.5, 0.7] * 4, 5, seed=0, cases_of_patients=[2] * 4) == {"value": 0.6, "n": "<5"}
    assert summary([0.5, 0.7] * 5, 5, seed=0, cases_of_patients=[2] * 5)["n"] == 10
    some = [0.5] * 5 + [float("nan")] * 5  # five values may be of three patients
    assert summary(some, 5, seed=0, cases_of_patients=[2] * 5) == {"value": 0.5, "n": "<5"}


@pytest.mark.parametrize(("count", "told"), [(0, 0), (1, "<5"), (4, "<5"), (5, 5)])
def test_small_counts_are_masked(count: int, told: object) -> None:
    assert masked(count, 5) == told
