"""What was found in the files of a dataset, kept beside them, so that no run reads again what has not changed.

A judgement belongs to the digests of a case's files and of the contract, so it holds wherever and whenever both are the
same. The file appears whole; of two runs at once the last one's stays, and what it lacks is judged again some day.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedbundle.dicom.contract import Breach
from fedbundle.errors import InputError
from fedbundle.files import read_json, write_json
from fedbundle.site.contract import FILE_CODES, Contract
from fedbundle.site.folder import JUDGED


class Judged:
    """Breaches by case and contract; without those of cases that nobody asked for since it was opened."""

    def __init__(self, dataset: Path, contract: Contract) -> None:
        self._path, self._contract = dataset / JUDGED, contract
        self._before = _read(self._path)
        self._now: dict[str, list[Breach]] = {}

    def recall(self, item: Mapping[str, Any]) -> list[Breach] | None:
        """What was found in the files of an item with these digests; None when they have not been judged."""
        key = self._key(item)
        found = self._now.get(key, self._before.get(key))
        if found is not None:
            self._now[key] = found
        return found

    def keep(self, item: Mapping[str, Any], found: list[Breach]) -> None:
        """Remember what was found."""
        self._now[self._key(item)] = found

    def save(self) -> None:
        """Write what is known, if it is not what the file holds.

        Raises:
            OutputError: the dataset's folder cannot be written.
        """
        if self._now != self._before:
            told = {key: [[each.code, each.detail] for each in found] for key, found in sorted(self._now.items())}
            write_json(self._path, told, make_parents=False)
            self._before = dict(self._now)

    def _key(self, item: Mapping[str, Any]) -> str:
        digests = [[key, item["sha256"][key]] for key in self._contract.files_of(item)]
        return hashlib.sha256(json.dumps([self._contract.digest, digests]).encode()).hexdigest()


def _read(path: Path) -> dict[str, list[Breach]]:
    """What the file holds; nothing where it is absent or not ours, since all of it can be found again."""
    if not path.is_file():
        return {}
    try:
        found = {key: [Breach(*map(str, each)) for each in told] for key, told in read_json(path).items()}
    except (InputError, AttributeError, TypeError):
        return {}
    return found if all(each.code in FILE_CODES for told in found.values() for each in told) else {}
