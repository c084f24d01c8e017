"""The budget of refused studies."""

import pytest

from fedbundle.errors import InputError
from fedbundle.site.budget import RefusalBudget


@pytest.mark.parametrize(
    ("text", "refused", "offered", "exceeded"),
    [
        ("5%", 1, 20, False),
        ("5%", 2, 20, True),
        ("5%", 1, 19, True),
        ("2", 2, 3, False),
        ("2", 3, 300, True),
        ("0", 1, 9, True),
        ("0.5%", 1, 200, False),
        ("100%", 9, 9, False),
    ],
)
def test_share_and_count(text: str, refused: int, offered: int, exceeded: bool) -> None:
    assert RefusalBudget.parse(text).exceeded(refused, offered) is exceeded


@pytest.mark.parametrize("text", ["", "five", "-1", "101%", "5 %", "1.5"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="must be like 5% or 3"):
        RefusalBudget.parse(text)
