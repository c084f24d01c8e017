"""Every case of a datalist as it lies there: fit for use, or lost with its reason."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fedbundle.dicom.contract import Breach
from fedbundle.errors import DatasetError, OutputError
from fedbundle.files import sha256
from fedbundle.site.contract import FILE_CODES, TABLE_VALUES, Contract
from fedbundle.site.folder import JOURNAL, damaged_datalist
from fedbundle.site.journal import Line, read_cases, rows_of
from fedbundle.site.judged import Judged
from fedbundle.site.labels.table import SIDE, columns_of

KEY_MISSING = "KEY_MISSING"  # an item has no mask or table, since it was ingested without labels
FILE_MISSING = "FILE_MISSING"
FILE_CHANGED = "FILE_CHANGED"
TABLE_CHANGED = "TABLE_CHANGED"  # columns or side are not those of the labels at ingest
DATASET_CODES = (KEY_MISSING, FILE_MISSING, FILE_CHANGED, TABLE_CHANGED, *FILE_CODES, TABLE_VALUES)
LONG = 5.0  # seconds, after which progress is told, and how often
SAVED = 60.0  # seconds between two savings of what was judged; a killed run loses no more

Item = dict[str, Any]


@dataclass(frozen=True)
class Lost:
    """A case that cannot be used."""

    section: str
    case: str  # pseudonym
    patient: str  # pseudonym
    code: str  # reason code
    detail: str  # tells nothing of the patient; only for the site's own eyes

    def told(self) -> str:
        """Case and reason, for the site's own eyes."""
        return f"{self.case}: {self.detail}" if self.detail else self.case


@dataclass(frozen=True)
class Examination:
    """The items of each section that are fit, as the datalist holds them, and the cases that are not."""

    fit: dict[str, list[Item]]
    lost: list[Lost]

    @classmethod
    def of(
        cls,
        folder: Path,
        sections: Mapping[str, Sequence[Item]],
        needed: frozenset[str],
        contract: Contract | None,
        remember: bool = True,
    ) -> "Examination":
        """Compare files with their digests, tables with the journal and, where a contract is given, judge both.

        Args:
            folder: the dataset.
            sections: items of its datalist.
            needed: keys that each item must have.
            contract: what files and columns must be.
            remember: keep what was judged in the folder, else change nothing there.

        Raises:
            DatasetError: the datalist or the journal beside it is none, or a file cannot be read now, which is no fault
                of its case.
        """
        fit: dict[str, list[Item]] = {section: [] for section in sections}
        lost = []
        judges = _Judges(folder, contract, remember) if contract else None
        try:
            noted = read_cases(folder / JOURNAL) if (folder / JOURNAL).is_file() else {}
            for section, item in _with_progress(sections):
                breach = _damage(folder, item, needed, contract) or _edit(item, noted, contract)
                breach = breach or (judges.first_breach(section, item) if judges else None)
                if breach:
                    lost.append(Lost(section, item["case"], patient_of(item), breach.code, breach.detail))
                else:
                    fit[section].append(item)
        except (KeyError, TypeError, AttributeError) as error:
            raise damaged_datalist(f"a {type(error).__name__} in it") from error
        except OSError as error:  # a disk or network that failed, and may work again
            raise DatasetError(
                f"files of the dataset must be readable, got {error.strerror}; mend the disk or their rights"
            ) from error
        if judges:
            judges.save()
        return cls(fit, lost)


def patient_of(item: Mapping[str, Any]) -> str:
    """Pseudonym of the patient of an item; where the datalist names none, each case is one."""
    return str(item.get("patient", item["case"]))


class _Judges:
    """Contract and memory."""

    def __init__(self, folder: Path, contract: Contract, remember: bool) -> None:
        self.folder, self.contract, self.remember = folder, contract, remember
        self.judged = Judged(folder, contract)
        self.saved = time.monotonic()

    def first_breach(self, section: str, item: Item) -> Breach | None:
        found = self.judged.recall(item)
        if found is None:
            found = self.contract.of_files(self.folder, item)
            self.judged.keep(item, found)
            if time.monotonic() - self.saved > SAVED:
                self.save()
        found = [*found, *self.contract.of_row(item), *self.contract.of_section(section, item)]
        if not found:
            return None
        others = "".join(f"; also {each.code}, {each.detail}" for each in found[1:])
        return Breach(found[0].code, found[0].detail + others)

    def save(self) -> None:
        self.saved = time.monotonic()
        if not self.remember:
            return
        try:
            self.judged.save()
        except OutputError as error:  # the next run reads the files again, that is all
            logging.getLogger(__name__).warning("what was judged cannot be kept: %s", error)


def _with_progress(sections: Mapping[str, Sequence[Item]]) -> Iterator[tuple[str, Item]]:
    """All items with their section; of a long examination, progress and rate go to standard error."""
    items = [(section, item) for section, listed in sections.items() for item in listed]
    yield from tqdm(items, desc="checking cases", unit=" cases", delay=LONG, mininterval=LONG, miniters=1)


def _damage(folder: Path, item: Item, needed: frozenset[str], contract: Contract | None) -> Breach | None:
    if lacking := sorted(needed - item.keys()):
        return Breach(KEY_MISSING, f"lacks {_quoted(lacking)}")
    digests = item["sha256"]
    if contract and (lacking := [key for key in contract.files_of(item) if key not in digests]):
        return Breach(KEY_MISSING, f"lacks the digest of {_quoted(lacking)}")
    for key, digest in digests.items():
        file = folder / item[key]
        if not file.is_file():
            return Breach(FILE_MISSING, key)
        if sha256(file) != digest:
            return Breach(FILE_CHANGED, key)
    return None


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _edit(item: Item, noted: Mapping[str, Sequence[Line]], contract: Contract | None) -> Breach | None:
    """Where columns or side of an item are not those that ingest noted; nothing is known of a case it did not note."""
    if item["case"] not in noted:
        return None
    rows = rows_of(list(noted[item["case"]])) or [{}]
    columns = {SIDE, *(columns_of(contract.rules) if contract else ()), *(name for row in rows for name in row)}
    told = {name: item[name] for name in columns if name in item}
    if told in rows:
        return None
    of_side = [row for row in rows if row.get(SIDE) == told.get(SIDE)]
    changed = [name for name in columns if told.get(name) != of_side[0].get(name)] if of_side else [SIDE]
    return Breach(TABLE_CHANGED, ", ".join(sorted(changed)))
