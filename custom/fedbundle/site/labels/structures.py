"""Which structure of a DICOM label object stands for which value of the bundle's label set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from fedbundle.site.refusal import RefusedError

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Structure:
    """A segment of a SEG, or a region of an RTSTRUCT."""

    number: int  # by which the object refers to it
    name: str
    codes: tuple[Code, ...]


def chosen(structures: list[Structure], wanted: dict[str, Any]) -> dict[int, int]:
    """Value of the label set by number of the structure; structures that the bundle does not ask for are left out.

    A code (value and scheme; SNOMED's old SRT codes count as their successors) goes before a name. Names are those in
    `label.segments`, without them the meanings in `label.values`; case and spaces against underscores do not matter.

    Args:
        structures: of one object.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_VALUES, none is asked for, or one stands for several values.
    """
    found: dict[int, int] = {}
    for structure in structures:
        values = _by_code(structure, wanted) or _by_name(structure, wanted)
        if len(values) > 1:
            raise RefusedError("LABEL_VALUES", f"a structure stands for {len(values)} values of the label set")
        if values:
            found[structure.number] = values.pop()
    if not found:
        raise RefusedError("LABEL_VALUES", f"none of {len(structures)} structures is in the label set")
    return found


def label_map(masks: Mapping[int, Bits], wanted: dict[str, Any]) -> NDArray[np.uint8]:
    """One value per voxel; where structures overlap, the one that stands first in `label.priority` wins.

    Args:
        masks: value -> [slice, row, column]; at least one.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_OVERLAP, structures of different values overlap and `priority` does not name them.
    """
    priority = [int(value) for value in wanted.get("priority", ())]
    rank = {value: place for place, value in enumerate(priority)}
    painted = np.zeros(next(iter(masks.values())).shape, np.uint8)
    for value, mask in sorted(masks.items(), key=lambda item: rank.get(item[0], len(rank)), reverse=True):
        shared = painted[mask]
        rivals = {*np.unique(shared[shared > 0]).tolist(), value}
        if len(rivals) > 1 and not rivals <= rank.keys():
            count = int(np.count_nonzero(shared))
            raise RefusedError(
                "LABEL_OVERLAP", f"{count} voxels lie in several structures, and no priority is declared"
            )
        painted[mask] = value
    return painted


def _by_code(structure: Structure, wanted: dict[str, Any]) -> set[int]:
    segments = wanted.get("segments", {})
    return {
        int(value)
        for value, declared in segments.items()
        for code in declared.get("codes", ())
        if Code(code["value"], code["scheme"], "") in structure.codes
    }


def _by_name(structure: Structure, wanted: dict[str, Any]) -> set[int]:
    segments, name = wanted.get("segments", {}), _plain(structure.name)
    return {
        int(value)
        for value, meaning in wanted["values"].items()
        if value != "0" and name in map(_plain, segments.get(value, {}).get("names", [meaning]))
    }


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
