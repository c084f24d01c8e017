"""What one kind of result must be able to do; a file per kind does it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fedbundle.dicom.seg.write import Model

SEG_SUFFIX, SR_SUFFIX = ".seg.dcm", ".sr.dcm"
CASE = "study"
Item = dict[str, Any]  # of the datalist that inference gets


@dataclass(frozen=True)
class Target:
    """Where DICOM objects go: `<stem>.seg.dcm` and `<stem>.sr.dcm`."""

    folder: Path
    stem: str
    model: Model

    @property
    def segmentation(self) -> Path:
        """The DICOM SEG."""
        return self.folder / f"{self.stem}{SEG_SUFFIX}"

    @property
    def report(self) -> Path:
        """The DICOM SR."""
        return self.folder / f"{self.stem}{SR_SUFFIX}"


class Findings(ABC):
    """The result of a bundle on a study, read from what its inference wrote."""

    kind: ClassVar[str]

    @property
    @abstractmethod
    def headline(self) -> str:
        """One line for the command line."""

    @property
    @abstractmethod
    def doubts(self) -> Sequence[str]:
        """Sentences about what a person should look at twice."""

    @property
    @abstractmethod
    def colors(self) -> Sequence[str]:
        """Of the classes s1, s2, ... on the page."""

    @property
    @abstractmethod
    def limits(self) -> str:
        """What the numbers do not say; one paragraph of plain text."""

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Its part of result.json."""

    @abstractmethod
    def summary(self) -> str:
        """The numbers, as HTML; before the doubts."""

    @abstractmethod
    def pictures(self) -> str:
        """The pictures, as HTML; after the doubts."""

    @abstractmethod
    def objects(self) -> Sequence[str]:
        """Suffixes of the DICOM objects that `write` makes."""

    @abstractmethod
    def write(self, target: Target) -> None:
        """Write the DICOM objects.

        Raises:
            SegmentationError: they do not fit their source images.
            OutputError: the folder cannot be written.
        """
