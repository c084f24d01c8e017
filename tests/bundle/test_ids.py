"""Ids in configs that are read and not evaluated."""

from typing import Any

import pytest

from fedbundle.bundle.ids import found, has, is_plain, place

CONFIG: dict[str, Any] = {
    "cases": {"data": "$sorted(x)"},
    "train": {"dataset": "@cases", "handlers": [{"_target_": "A"}, {"_target_": "B"}]},
    "validate": {"dataset": "%train#dataset", "evaluator": {"key_val_metric": "@metric"}},
    "metric": {"dice": 1},
    "circle": "@circle",
    "made": "$dict(a=1)",
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train#handlers#1#_target_", "B"),
        ("train::handlers::0::_target_", "A"),
        ("train#dataset#data", "$sorted(x)"),
        ("validate#dataset#data", "$sorted(x)"),
        ("validate#evaluator#key_val_metric", {"dice": 1}),
    ],
)
def test_references_and_macros_are_followed(key: str, value: object) -> None:
    assert found(CONFIG, key) == value


@pytest.mark.parametrize("key", ["train#data", "train#handlers#2", "train#handlers#x", "made#a", "circle", "circle#a"])
def test_what_is_not_there_or_only_known_when_it_runs(key: str) -> None:
    assert not has(CONFIG, key)


def test_where_something_can_be_set() -> None:
    assert place(CONFIG, "train#dataset#data") == "cases::data"
    assert place(CONFIG, "train#handlers#0#_disabled_") == "train::handlers::0::_disabled_"
    assert place(CONFIG, "new") == "new"
    with pytest.raises(KeyError):
        place(CONFIG, "circle#a")


@pytest.mark.parametrize("value", [1, 0.5, True, "text", "/a@b", "{dataset_dir}/a.csv"])
def test_data_are_plain(value: object) -> None:
    assert is_plain(value)


@pytest.mark.parametrize("value", ["$1", "@a", "%a", None, [1], {}])
def test_expressions_are_not(value: object) -> None:
    assert not is_plain(value)
