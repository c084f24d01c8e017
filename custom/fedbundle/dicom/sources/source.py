"""What every source of studies can do: name the studies it has, and bring one at a time onto this machine."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from fedbundle.dicom.series import Survey
from fedbundle.dicom.sources.announced import Announced
from fedbundle.errors import InputError


class Arrival(ABC):
    """One study on its way."""

    def __init__(self, study_uid: str) -> None:
        self.study_uid = study_uid

    @abstractmethod
    def announced(self) -> Mapping[str, Announced] | None:
        """Series by SeriesInstanceUID as the source counts them; empty where it cannot, None when it has no such study.

        Raises:
            PacsError: the source cannot be asked.
        """

    @abstractmethod
    def fetch(self) -> AbstractContextManager[Survey]:
        """Files of the study on this machine; copies made for it are removed on leaving.

        Raises:
            PacsError: the source is gone.
            OutputError: there is no room for the copies.
        """


class Source(ABC):
    """Studies, one by one."""

    remote: ClassVar[bool] = False  # fetching is costly: a study whose counts have not changed is not fetched again

    @abstractmethod
    def check(self, dataset: Path) -> None:
        """Refuse what cannot be used before anything is written.

        Args:
            dataset: the folder that will be written.

        Raises:
            InputError: no such source, nothing in it, or it does not lie apart from the dataset.
        """

    @abstractmethod
    def arrivals(self, spool: Path) -> Sequence[Arrival]:
        """The studies in the order of work.

        Args:
            spool: an empty folder for copies; the caller removes it.
        """

    def folder_of(self, file: Path) -> Path:
        """Where a person finds a file of a study that has arrived."""
        return file.parent

    def rest(self) -> Survey:
        """What the source holds that belongs to no study."""
        return Survey([], 0, 0, ())


def must_lie_apart(dataset: Path, place: Path) -> None:
    """InputError when one of the two lies in the other."""
    place = place.expanduser().resolve()
    if dataset == place or dataset in place.parents or place in dataset.parents:
        raise InputError(f"dataset and DICOM source must lie apart, got {dataset} and {place}; choose another --out")
