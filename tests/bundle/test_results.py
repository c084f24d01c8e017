"""The results page: what the ledger says, and nothing that a site could slip in."""

from typing import Any

import pytest

from fedbundle.bundle.results import results_page
from fedbundle.errors import ExportError

DICE = {"value": 0.8123, "n": 10, "ci95": [0.75, 0.87]}
LEDGER: dict[str, Any] = {
    "job": "j1",
    "outcome": "COMPLETED",
    "declared": {"bundle": "tiny_bundle", "version": "0.1.0", "recipe_digest": "sha256:ab", "rounds": 2, "quorum": 2},
    "sites": {
        "hospital-a": {"state": "in", "reason": ""},
        "hospital-b": {"state": "refused", "reason": "a | <b>\n# c"},
    },
    "rounds": [
        {
            "sites": {
                "hospital-a": {"status": "used", "cases": {"offered": 14, "used": 13}, "steps": 7},
                "hospital-b": {"status": "refused"},
            }
        }
    ],
    "evaluations": {
        "test": {
            "sites": {
                "hospital-a": {
                    "status": "evaluated",
                    "metrics": {"dice_1": DICE, "dice_2": {"value": None, "n": "<5"}},
                },
                "hospital-b": {"status": "refused"},
            }
        }
    },
}


def test_each_site_has_its_row_in_each_table() -> None:
    page = results_page(LEDGER)
    assert "# Results of tiny_bundle 0.1.0" in page
    assert "| hospital-a | 1 | 14 | 13 | 7 | in |" in page
    assert "| hospital-a | 10 / &lt;5 | 0.812 [0.750, 0.870] | - |" in page
    assert "COMPLETED, 1 of 2 rounds with a quorum of 2" in page


def test_a_reason_stays_in_its_cell() -> None:
    assert r"| hospital-b | 0 | - | - | 0 | refused a \| &lt;b> # c |" in results_page(LEDGER)


@pytest.mark.parametrize("damage", [{"rounds": 3}, {"declared": {}}, {"sites": []}, {"evaluations": {"test": {}}}])
def test_another_schema_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="schema fedbundle-ledger-1"):
        results_page(LEDGER | damage)
