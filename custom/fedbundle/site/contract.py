"""The data contract of a bundle, case by case, as the files of a dataset lie there and its datalist tells.

Ingest writes nothing that breaks it. But a steward can edit a datalist or make one with another tool.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fedbundle.dicom.contract import VOLUME_CODES, WRONG_CHANNELS, Breach, breaches
from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.site.image_file import Grid, ImageFile
from fedbundle.site.labels.label_map import fault_of
from fedbundle.site.labels.table import SIDE, SIDES, CellError, closed_to, columns_of, late, per_side, value_of

UNREADABLE_FILE = "UNREADABLE_FILE"
OTHER_GRID = "OTHER_GRID"
LABEL_VALUES = "LABEL_VALUES"
TABLE_VALUES = "TABLE_VALUES"
FILE_CODES = (UNREADABLE_FILE, WRONG_CHANNELS, *VOLUME_CODES, OTHER_GRID, LABEL_VALUES)
JUDGE = 2  # raise it when the same files and rules are judged in another way; all are judged anew then
JUDGED_BY = ("modality", "contract", "resample_to")  # rules of a role that are judged here


@dataclass(frozen=True)
class Contract:
    """What each case of a dataset must be."""

    rules: dict[str, Any]  # configs/ingest.json

    @classmethod
    def of(cls, ingest_rules: dict[str, Any]) -> "Contract":
        """The contract that a bundle declares.

        Raises:
            BundleError: its configs/ingest.json breaks the schema.
        """
        return cls(checked_rules(ingest_rules))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all by which files are judged."""
        inputs = {
            role: {rule: wanted[rule] for rule in JUDGED_BY if rule in wanted}
            for role, wanted in self.rules["inputs"].items()
        }
        label = {key: self.rules["label"].get(key) for key in ("key", "values", "required")} if self.label_key else {}
        told = json.dumps([JUDGE, list(inputs), inputs, label], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def label_key(self) -> str:
        """Key of the mask in the datalist's items; empty where the bundle wants none."""
        return str(self.rules["label"]["key"]) if "label" in self.rules else ""

    def files_of(self, item: Mapping[str, Any]) -> list[str]:
        """Keys of an item that are files, each after the one on whose voxels it lies; the mask last."""
        inputs = self.rules["inputs"]
        keys = [*sorted(inputs, key=lambda role: "resample_to" in inputs[role]), self.label_key]
        return [key for key in keys if key in item]

    def of_files(self, folder: Path, item: Mapping[str, Any]) -> list[Breach]:
        """What breaks the contract in the files of one case, all of which this reads.

        Args:
            folder: the dataset, to which paths are relative.
            item: of the datalist.

        Raises:
            OSError: a file cannot be read now; nothing was found out about it.
        """
        found: list[Breach] = []
        grids: dict[str, Grid] = {}
        for key in self.files_of(item):
            try:
                image = ImageFile.read(folder / item[key])
            except ValueError as error:
                broken = [Breach(UNREADABLE_FILE, str(error))]
            else:
                broken = self._of_file(key, image, grids)
                grids[key] = image.grid
            found += [Breach(breach.code, f"{key}: {breach.detail}") for breach in broken]
        return found

    def _of_file(self, key: str, image: ImageFile, others: Mapping[str, Grid]) -> list[Breach]:
        role, is_label = self.rules["inputs"].get(key, {}), key == self.label_key
        found = breaches(image.array, image.grid.spacing, role)
        if any(breach.code == WRONG_CHANNELS for breach in found):
            return found
        onto = others.get(next(iter(self.rules["inputs"])) if is_label else role.get("resample_to"))
        if onto and (apart := image.grid.apart(onto)):
            found.append(Breach(OTHER_GRID, apart))
        if is_label and not found and (fault := fault_of(image.array, self.rules["label"])):
            found.append(Breach(LABEL_VALUES, fault))
        return found

    def of_section(self, section: str, item: Mapping[str, Any]) -> list[Breach]:
        """What bars an item from its section of the datalist."""
        told = closed_to(item, self.rules).get(section)
        return [Breach(TABLE_VALUES, told)] if told else []

    def of_row(self, item: Mapping[str, Any]) -> list[Breach]:
        """What breaks the contract in the columns of an item; a column that is not there is another matter."""
        found = []
        if (SIDE in item or per_side(self.rules)) and item.get(SIDE) not in SIDES.values():
            found.append(Breach(TABLE_VALUES, f"{SIDE} must be L or R"))
        for name, column in columns_of(self.rules).items():
            if fault := _fault(item[name], column) if name in item else "":
                found.append(Breach(TABLE_VALUES, f"{name} must be {fault}"))
        if not found and (too_late := late(dict(item), self.rules)):
            found.append(Breach(TABLE_VALUES, too_late))
        return found


def _fault(value: Any, column: dict[str, Any]) -> str:
    """Why a value of the datalist is none that ingest writes for a cell of the table; the text is the rule."""
    if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
        return "a number"
    if isinstance(value, float) and column["type"] == "category":  # which a cell may be, an item not
        return "a whole number without a decimal point"
    cell = "" if value is None else repr(value)
    try:
        return "" if value_of(cell, column) == value else "a number of the column"
    except CellError as error:
        return str(error)
