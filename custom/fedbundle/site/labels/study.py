"""The labels of one study, and of all studies, as --labels gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]  # column of the bundle's table -> number, or None where it is missing; "laterality" -> "L" or "R"


@dataclass(frozen=True)
class StudyLabels:
    """What is given for one study."""

    files: tuple[Path, ...] = ()  # one label map, or the DICOM objects of the study, of which one fits
    rows: tuple[Row, ...] = ()  # one per study, or one per side
    fault: str = ""  # why the rows cannot be used; names the line and the rule, never the value


@dataclass(frozen=True)
class Labels:
    """Labels by StudyInstanceUID."""

    studies: Mapping[str, StudyLabels]
    warnings: tuple[str, ...] = field(default=())
