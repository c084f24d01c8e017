"""What DICOMweb servers and PACS share: named studies only, bounded retries, copies that are removed after use."""

import re
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import ClassVar, TypeVar

from fedbundle.dicom.series import Survey, survey
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.source import Arrival, Source
from fedbundle.errors import InputError, OutputError, PacsError

WAITS_S = (0.0, 1.0, 4.0)  # before each attempt
UID = re.compile(r"[0-9]+(\.[0-9]+)*")  # digits and dots only: nothing that a query takes for a wildcard
LONGEST_UID = 64
MOST_ANSWERS = 100_000

Answer = TypeVar("Answer")


class Broken(Exception):  # noqa: N818 -- not the end: another attempt follows
    """An attempt failed in a way that another may not; says how, without an identifier."""


class Server(ABC):
    """A server that can be asked for one study; both may raise `Broken` or PacsError."""

    called: str  # how messages name it

    @abstractmethod
    def find(self, study_uid: str) -> dict[str, Announced] | None:
        """Series of the study, None when there is no such study."""

    def receiving(self) -> AbstractContextManager[None]:
        """What must run while series of a study are pulled."""
        return nullcontext()

    @abstractmethod
    def pull(self, study_uid: str, series_uid: str, folder: Path, most: int) -> None:
        """Write the instances of a series into an empty folder, one per file, at most `most`."""


class Remote(Source):
    """Studies of a server, by StudyInstanceUID; never all that it has."""

    remote: ClassVar[bool] = True

    def __init__(self, server: Server, wanted: Sequence[str]) -> None:
        self.server = server
        self.wanted = tuple(dict.fromkeys(wanted))

    def check(self, dataset: Path) -> None:  # noqa: ARG002 -- a server lies apart from every folder
        """Studies must be named."""
        if not self.wanted:
            raise InputError("studies must be named, got none; give --studies or --labels")

    def arrivals(self, spool: Path) -> Sequence[Arrival]:
        """One per named study, in the order they were named."""
        return [RemoteArrival(uid, self.server, spool) for uid in self.wanted]


class RemoteArrival(Arrival):
    """A study that lies on a server."""

    def __init__(self, study_uid: str, server: Server, spool: Path) -> None:
        super().__init__(study_uid)
        self.server = server
        self.spool = spool
        self.told: dict[str, Announced] | None = None

    def announced(self) -> Mapping[str, Announced] | None:
        """Ask the server."""
        self.told = _persistently(self.server, lambda: self.server.find(self.study_uid))
        return self.told

    @contextmanager
    def fetch(self) -> Iterator[Survey]:
        """Transfer series by series; what did not arrive although the server answers is left to be counted."""
        top = _new_folder(self.spool)
        try:
            with self.server.receiving():
                for number, (series_uid, told) in enumerate((self.told or {}).items()):
                    self._transfer(series_uid, told.instances, top / f"{number:04d}")
            yield survey(top)
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _transfer(self, series_uid: str, instances: int, folder: Path) -> None:
        """Pull one series, again when it breaks off, and once more when less than announced arrives."""
        broken, before = False, -1
        for wait in WAITS_S:
            time.sleep(wait)
            try:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                self.server.pull(self.study_uid, series_uid, folder, instances + 1)
                arrived = sum(1 for _ in folder.iterdir())
            except Broken:
                broken = True
                continue
            except OSError as error:
                raise OutputError(_no_room(error)) from error
            if arrived in (instances, before):
                return
            before = arrived
        if broken:  # is it the series or the server? PacsError when the server is gone
            _persistently(self.server, lambda: self.server.find(self.study_uid))


def checked_uid(uid: str) -> str | None:
    """The UID if it is one that may stand in a query or an address (PS3.5 9.1), else None."""
    return uid if len(uid) <= LONGEST_UID and UID.fullmatch(uid) else None


def _persistently(server: Server, ask: Callable[[], Answer]) -> Answer:
    told = ""
    for wait in WAITS_S:
        time.sleep(wait)
        try:
            return ask()
        except Broken as error:
            told = str(error)
    raise PacsError(
        f"{server.called} must answer, got {told} in {len(WAITS_S)} attempts; what was finished is kept: see that it "
        "runs, and run the same command again"
    )


def _new_folder(spool: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(dir=spool))
    except OSError as error:
        raise OutputError(_no_room(error)) from error


def _no_room(error: OSError) -> str:
    return f"copies of a study must fit beside the dataset, got {error.strerror}; free space and run it again"
