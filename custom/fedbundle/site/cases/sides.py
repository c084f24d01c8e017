"""A film trains only what predict would make of it: the same sides, or the same refusal."""

from collections.abc import Mapping, Sequence
from typing import Any

from fedbundle.dicom.gate.roles import Choice
from fedbundle.dicom.inputs import Input
from fedbundle.dicom.sides import SideError, sides_on
from fedbundle.site.labels.study import Row
from fedbundle.site.labels.table import SIDE, per_side
from fedbundle.site.refusal import RefusedError


def refuse_sides(choice: Choice, inputs: Mapping[str, Input], rows: Sequence[Row], rules: dict[str, Any]) -> None:
    """Refuse a film whose sides are not known, and rows of the table for a side that it does not show.

    A bundle whose table is per side and names no `both_sides_from_mm` has images of another kind; nothing is judged.

    Raises:
        RefusedError: SIDE_UNKNOWN, SIDE_CONTRADICTORY, FILM_MIRRORED or LABEL_SIDE.
    """
    limit = rules.get("table", {}).get("both_sides_from_mm")
    if limit is None or not per_side(rules):
        return
    role = next(iter(rules["inputs"]))
    try:
        seen = sides_on(choice.chosen[role].first, inputs[role].volume, limit)
    except SideError as error:
        raise RefusedError(error.reason, error.detail) from error
    if hidden := sorted({row[SIDE] for row in rows} - set(seen.sides)):
        raise RefusedError("LABEL_SIDE", f"a row for {hidden[0]}, and the film shows {seen.sides[0]} only")
