"""The results page: what the ledger says, and nothing that a site could slip in."""

from typing import Any

import pytest
from samples.small_ledger import LEDGER

from fedbundle.bundle.results import results_page
from fedbundle.errors import ExportError


def test_each_site_has_its_row_in_each_table() -> None:
    page = results_page(LEDGER)
    assert "# Results of tiny_bundle 0.1.0" in page
    assert "| hospital-a | 1 | 14 | 13 | 7 | in |" in page
    assert "| hospital-a | 10 / &lt;5 | 0.812 [0.750, 0.870] | - |" in page
    assert "COMPLETED, 1 of 2 rounds with a quorum of 2" in page


def test_metrics_that_are_left_out_have_no_column() -> None:
    page = results_page(LEDGER, {"dice_2"})
    assert "| site | cases | dice_1 |" in page and "| hospital-a | 10 | 0.812 [0.750, 0.870] |" in page


def test_the_page_says_which_weights_are_untrained() -> None:
    stayed = results_page(LEDGER | {"declared": LEDGER["declared"] | {"keep_local": ["appearance."]}})
    assert (
        "begin with `appearance.` stayed at each hospital. In this bundle they are as they were first drawn" in stayed
    )
    assert "first drawn" not in results_page(LEDGER)
    own = results_page(LEDGER | {"declared": LEDGER["declared"] | {"keep_local": ["appearance."]}}, site="hospital-a")
    assert "are those of hospital-a" in own and "must not be passed on" in own and "first drawn" not in own


def test_a_reason_stays_in_its_cell() -> None:
    assert r"| hospital-b | 0 | - | - | 0 | refused a \| &lt;b> # c |" in results_page(LEDGER)


@pytest.mark.parametrize("damage", [{"rounds": 3}, {"declared": {}}, {"sites": []}, {"evaluations": {"test": {}}}])
def test_another_schema_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="schema fedbundle-ledger-1"):
        results_page(LEDGER | damage)
