"""`fedbundle ingest`: a folder of DICOM becomes a checked, de-identified dataset that a bundle can train on.

    <dataset>/datalist.json   MONAI datalist; the sections, and which patient belongs to which
              ingest.jsonl    one line per series: used or refused, and why
              images/ labels/ dicom/<case>/

Every file appears whole or not at all, a study's lines follow its files, and the datalist comes last. So an
interrupted run can be run again: finished studies are recognised by keyed pseudonyms and digests, the rest is done.
"""

import fcntl
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fedbundle.bundle.layout import NAME, Bundle
from fedbundle.dicom.gate import USED
from fedbundle.dicom.needles import Needles
from fedbundle.dicom.rules import checked_rules
from fedbundle.dicom.series import survey
from fedbundle.errors import BundleError, DatasetError, InputError, NotInstalledError, ResidualError, TooManyRefusedError
from fedbundle.files import read_json, write_json
from fedbundle.site.budget import RefusalBudget
from fedbundle.site.case import Outcome, Workplace, take
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.home import SiteHome
from fedbundle.site.journal import Journal, files_of, used
from fedbundle.site.labels import LabelSheet
from fedbundle.site.residual import leaking_files, source_identifiers
from fedbundle.site.splits import assign

CASE_FILE = re.compile(r"([0-9a-f]{16})_[a-z][a-z0-9_]*\.nii\.gz")
LEFTOVER = re.compile(r"\..*\.(part|old)(\.nii\.gz)?")
FOLDERS = ("images", "labels", "dicom")


@dataclass(frozen=True)
class Report:
    """What an ingest did; counts only."""

    dataset: Path
    files: int
    skipped: int
    damaged: int
    outcomes: tuple[Outcome, ...]
    splits: dict[str, int]  # section -> cases

    @property
    def refused(self) -> dict[str, int]:
        """Studies refused by reason code."""
        codes = Counter(outcome.code for outcome in self.outcomes if outcome.code != USED)
        return dict(sorted(codes.items()))

    def data(self) -> dict[str, Any]:
        """For machines."""
        used_now = [outcome for outcome in self.outcomes if outcome.code == USED]
        return {
            "dataset": str(self.dataset),
            "files": {"read": self.files, "skipped": self.skipped, "damaged": self.damaged},
            "studies": {
                "offered": len(self.outcomes),
                "used": len(used_now),
                "unchanged": sum(outcome.resumed for outcome in used_now),
                "refused": self.refused,
            },
            "splits": self.splits,
        }

    def text(self) -> str:
        """For people."""
        studies = self.data()["studies"]
        lines = [
            f"{studies['offered']} studies in {self.files} files: {studies['used']} used "
            f"({studies['unchanged']} unchanged since an earlier run), {sum(self.refused.values())} refused",
            *(f"  refused {count} {code}" for code, count in self.refused.items()),
            f"  {self.skipped} files are no DICOM images, {self.damaged} are damaged DICOM",
            "  dataset: " + ", ".join(f"{count} {section}" for section, count in self.splits.items()),
            f"  {self.dataset / 'datalist.json'}",
            f"  {self.dataset / 'ingest.jsonl'} says why each series was used or refused",
        ]
        return "\n".join(lines)


def ingest(
    home: SiteHome,
    bundle: str,
    dicom: Path,
    labels: Path | None = None,
    out: Path | None = None,
    max_refused: str = "5%",
    keep_dicom: bool = False,
) -> Report:
    """Bring all studies of a folder into the dataset of a bundle.

    Args:
        home: the site; its key makes the pseudonyms.
        bundle: name of an installed bundle, or a bundle folder.
        dicom: searched recursively; names and extensions do not matter.
        labels: CSV with study_instance_uid and mask; with it, a study without a mask is refused.
        out: dataset folder; default: the site's folder for this bundle.
        max_refused: budget of refused studies, "5%" or "3".
        keep_dicom: also write the de-identified DICOM of the chosen series.

    Raises:
        InputError: a path or value cannot be used, or the folder holds no DICOM.
        BundleError: the bundle's configs/ingest.json cannot be used.
        OutputError: the dataset cannot be written.
        ResidualError: an identifier was found in what was written; those cases have been removed.
        TooManyRefusedError: the budget is exceeded; everything else has been written.
    """
    budget = RefusalBudget.parse(max_refused)
    opened = _bundle(home, bundle)
    rules = _rules(opened)
    dataset = (out or home.dataset_dir(opened.name)).expanduser().resolve()
    _apart(dataset, dicom.expanduser().resolve())
    place = Workplace(dataset, home.key(), rules, LabelSheet.read(labels) if labels else None, keep_dicom)
    found = survey(dicom)
    if not found.series:
        raise InputError(f"DICOM folder must hold DICOM images, got none in {found.files} files; check the path")
    with _opened(dataset, opened.name):
        outcomes, leaking = _take_all(list(found.studies().values()), place)
        splits = _finish(place, opened.name)
        leaking |= _leaking_lists(dataset)
    return _judged(
        Report(dataset, found.files, found.skipped, found.damaged, tuple(outcomes), splits), budget, leaking
    )
