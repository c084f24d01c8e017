"""site.toml: what it may hold; a typing error is never ignored."""

import tomllib
from typing import Any

import pytest

from fedbundle.errors import SiteError
from fedbundle.site.settings import TEMPLATE, checked_settings


def test_the_template_is_valid_and_its_values_are_the_defaults() -> None:
    written = checked_settings(tomllib.loads(TEMPLATE.format(name='"a"')))
    assert written == checked_settings({"name": "a"})
    assert written["gpus"] == {"count": 0, "memory_gib": 0}
    assert written["limits"] == {"min_cell": 5, "max_dropped": 0.05}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nmae": "a"}, "got 'nmae'"),
        ({"gpus": {"cuont": 1}}, r"got 'gpus\.cuont'"),
        ({"limits": {"mincell": 1}}, r"got 'limits\.mincell'"),
        ({"name": 3}, "name in site.toml must be a text"),
        ({"gpus": 1}, "gpus in site.toml must be a table"),
        ({"gpus": {"count": True}}, "whole number from 0 to 1024, got True"),
        ({"gpus": {"count": 1.5}}, "whole number"),
        ({"gpus": {"count": -1}}, "got -1"),
        ({"gpus": {"memory_gib": float("nan")}}, "got nan"),
        ({"limits": {"min_cell": 0}}, "from 1 to 1000"),
        ({"limits": {"max_dropped": "5%"}}, "from 0 to 1"),
        ({"datasets": {"../x": "/data"}}, "named like a bundle"),
        ({"datasets": {"tiny": 1}}, "must be a folder"),
    ],
)
def test_a_wrong_key_or_value_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SiteError, match=complaint):
        checked_settings({"name": "a"} | change)


def test_the_name_is_required() -> None:
    with pytest.raises(SiteError, match="name in site"):
        checked_settings({})
