"""Federated averaging: the arithmetic, and what is refused before it."""

import re

import numpy as np
import pytest

from fedbundle.flare.fedavg import ServerMomentum, average, distance, misfit


def weights(value: float) -> dict[str, np.ndarray]:
    return {"a": np.full((2, 3), value, np.float32), "b": np.array([value], np.float32)}


def test_mean_is_weighted_by_cases() -> None:
    mean = average({"one": (weights(1.0), 30.0), "two": (weights(4.0), 10.0)})
    assert mean["a"].dtype == np.float32
    np.testing.assert_allclose(mean["a"], 1.75)


def test_order_of_arrival_does_not_change_a_bit() -> None:
    rng = np.random.default_rng(0)
    sites = {
        name: ({"a": rng.normal(size=1000).astype(np.float32)}, float(n))
        for name, n in zip("xyz", (3, 7, 11), strict=True)
    }
    backwards = dict(reversed(sites.items()))
    assert average(sites)["a"].tobytes() == average(backwards)["a"].tobytes()


def test_one_site_alone_is_unchanged() -> None:
    np.testing.assert_array_equal(average({"one": (weights(0.1), 5.0)})["a"], weights(0.1)["a"])


def test_sites_without_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="total of cases must be positive, got 0"):
        average({"one": (weights(1.0), 0.0)})


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ({"a": np.ones((2, 3))}, "1 others or missing, first 'b'"),
        ({"a": np.ones((3, 2)), "b": np.ones(1)}, r"a must have shape \(2, 3\), got \(3, 2\)"),
        ({"a": np.full((2, 3), np.nan), "b": np.ones(1)}, "a must be finite"),
    ],
)
def test_misfits_are_named(candidate: dict[str, np.ndarray], reason: str) -> None:
    assert re.search(reason, misfit(weights(1.0), candidate))


def test_distance_is_the_l2_norm() -> None:
    assert distance(weights(1.0), weights(0.0)) == pytest.approx(np.sqrt(7))


def test_without_momentum_the_mean_is_taken_as_it_is_and_whole_numbers_always() -> None:
    weights, mean = {"w": np.zeros(2, np.float32), "n": np.array(3)}, {"w": np.ones(2, np.float32), "n": np.array(5)}
    assert ServerMomentum(0.0).step(weights, mean) is mean
    server = ServerMomentum(0.9)
    moved = server.step(server.step(weights, mean), mean)
    assert (moved["n"], moved["w"].dtype) == (5, np.float32)
    assert moved["w"] == pytest.approx(1.9)
