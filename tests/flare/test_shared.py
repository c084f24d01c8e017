"""Which weights travel, by their names."""

import pytest

from fedbundle.errors import BundleError
from fedbundle.flare.shared import Sharing

NORM = ["weight", "running_mean", "running_var", "num_batches_tracked"]
STATE = dict.fromkeys(
    ["shape.conv.weight", *(f"shape.norm.{name}" for name in NORM), "appearance.scale", "merge.weight"], 0
)


def test_what_is_declared_local_stays_and_so_do_batch_statistics() -> None:
    travel, stay = Sharing(("appearance.",)).split(STATE)
    assert set(travel) == {"shape.conv.weight", "shape.norm.weight", "merge.weight"}
    assert travel.keys() | stay.keys() == STATE.keys()


def test_batch_statistics_travel_where_declared_and_counters_never() -> None:
    travel, stay = Sharing((), "shared").split(STATE)
    assert set(stay) == {"shape.norm.num_batches_tracked"}
    assert "shape.norm.running_mean" in travel


@pytest.mark.parametrize(
    ("prefixes", "told"), [(("apearance.",), "must name weights of the network, got 'apearance.'"), (("",), "to share")]
)
def test_a_prefix_names_weights_and_leaves_some(prefixes: tuple[str, ...], told: str) -> None:
    with pytest.raises(BundleError, match=told):
        Sharing(prefixes).split(STATE)
