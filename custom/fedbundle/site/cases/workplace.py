"""What is the same for all studies of an ingest: where to, by which rules, with which labels and key."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fedbundle.dicom.deid.options import Options
from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.files import sha256
from fedbundle.site.folder import INCOMING
from fedbundle.site.labels.study import Labels


@dataclass(frozen=True)
class Workplace:
    """What is the same for all studies of a run."""

    dataset: Path
    key: bytes  # the site's secret
    rules: dict[str, Any]  # configs/ingest.json
    labels: Labels | None
    keep_dicom: bool
    suffix: str = ".nii.gz"  # of images and masks
    options: Options = field(default_factory=Options)  # of de-identification
    deface_command: tuple[str, ...] = ()  # program that removes faces
    reviewed: frozenset[str] = frozenset()  # cases in whose pixels a person has looked for text
    site: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # role -> what site.toml adds to its rules

    @property
    def scratch(self) -> Path:
        """For files that show a patient and are needed for a moment; it is there only while an ingest runs."""
        return self.dataset / INCOMING

    @property
    def all_rules(self) -> dict[str, Any]:
        """Rules of bundle and site, whose words may stand in the lines of a study."""
        return self.rules | {"site": self.site}

    @cached_property
    def privacy(self) -> dict[str, bool | str]:
        """What decides how much of a patient is left, as lines tell it; of the defacing program a keyed digest."""
        if not self.deface_command:
            return asdict(self.options) | {"deface": ""}
        program, *arguments = self.deface_command
        files = [Path(part) for part in (shutil.which(program) or program, *arguments)]
        parts = [digest_of(file) for file in files if file.is_absolute()]  # others it would not find where it runs
        return asdict(self.options) | {"deface": pseudonym(self.key, "deface", json.dumps(self.deface_command), *parts)}

    @cached_property
    def rules_digest(self) -> str:
        """Tells whether a case was made by these rules."""
        site = [json.dumps(self.site, sort_keys=True)] if self.site else []
        return pseudonym(self.key, "rules", json.dumps(self.rules, sort_keys=True), *site)


def digest_of(file: Path) -> str:
    """SHA-256 of a file that a case is made with; where none can be read, whoever needs its content will say so."""
    try:
        return sha256(file)
    except OSError:
        return "none"
