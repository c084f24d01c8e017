"""A bundle that learns when an event comes needs events."""

from collections.abc import Iterable, Mapping
from typing import Any

from fedbundle.errors import DatasetError
from fedbundle.site.labels.table import columns_of

EVENT = 1  # as the type `event` codes it; 0 is censored, 2 a competing event


def refuse_without_events(items: Iterable[Mapping[str, Any]], rules: dict[str, Any]) -> None:
    """Refuse training cases of whom none had the event: all hazards would become 0.

    Args:
        items: of the section `training`.
        rules: configs/ingest.json.

    Raises:
        DatasetError: a column of type event holds no event.
    """
    listed = list(items)
    for name, column in columns_of(rules).items():
        if column["type"] == "event" and not any(item.get(name) == EVENT for item in listed):
            raise DatasetError(
                f"column {name} of the section training must hold at least one event, got cases that are all censored "
                "or had a competing event; ingest patients with longer follow-up"
            )
