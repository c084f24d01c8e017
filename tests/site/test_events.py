"""Cases that are all censored teach nothing about an event; a run refuses them, and a contract judges edited times."""

from pathlib import Path
from typing import Any

import pytest

from fedbundle.check.synthetic import write_dataset
from fedbundle.errors import DatasetError
from fedbundle.files import read_json, sha256, write_json
from fedbundle.site.contract import TABLE_VALUES, Contract
from fedbundle.site.dataset import check_dataset, needed_keys
from fedbundle.site.events import refuse_without_events

RULES: dict[str, Any] = {
    "inputs": {"image": {"modality": "DX", "pixels": "displayed"}},
    "table": {
        "per": "side",
        "columns": {
            "years": {"type": "time", "unit": "years", "max": 40, "not_after": "end"},
            "event": {"type": "event"},
            "end": {"type": "number", "min": 0, "max": 40, "missing": True},
        },
    },
    "splits": {"training": 0.5, "validation": 0.2, "test": 0.3},
}


@pytest.mark.parametrize(("events", "refused"), [([0, 2, 0], True), ([0, 1], False), ([], True)])
def test_an_event_at_least(events: list[int], refused: bool) -> None:
    items = [{"event": event} for event in events]
    if refused:
        with pytest.raises(DatasetError, match="event of the section training must hold at least one event, got cases"):
            refuse_without_events(items, RULES)
    else:
        refuse_without_events(items, RULES)


def test_a_bundle_without_events_asks_for_none() -> None:
    refuse_without_events([{}], {"inputs": {"image": {"modality": "MR"}}})


def test_a_site_whose_cases_are_all_censored_is_refused_before_a_run(tmp_path: Path) -> None:
    write_dataset(RULES, {}, tmp_path)
    listed = read_json(tmp_path / "datalist.json")
    for items in listed.values():
        for item in items:
            item["sha256"] = {"image": sha256(tmp_path / item["image"])}
    write_json(tmp_path / "datalist.json", listed)
    assert check_dataset(tmp_path, 0, needed_keys(RULES), 1, RULES).datalist["training"]
    for item in listed["training"]:
        item["event"] = 2 if item["event"] == 1 else item["event"]
    write_json(tmp_path / "datalist.json", listed)
    with pytest.raises(DatasetError, match="at least one event"):
        check_dataset(tmp_path, 0, needed_keys(RULES), 1, RULES)


def test_an_edited_time_after_the_end_is_a_breach() -> None:
    item: dict[str, Any] = {"laterality": "R", "years": 3.0, "event": 1, "end": 2.5}
    (breach,) = Contract(RULES).of_row(item)
    assert (breach.code, breach.detail) == (TABLE_VALUES, "years must be a time up to end")
    assert not Contract(RULES).of_row(item | {"end": None})
    (breach,) = Contract(RULES).of_row(item | {"years": -1.0})
    assert breach.detail == "years must be a time above 0 and up to 40 years"
