"""A folder of DICOM files; where it holds a DICOMDIR, files that this lists and that are not there are noticed.

Headers are read in one pass. Those of the first files are kept for when their study has its turn; of a larger folder
only places are remembered, and the headers of a study are read again then. So memory does not grow with the folder.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Member, Seen, Survey, look_through, read_members, series_of
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.dicomdir import listed
from fedbundle.dicom.sources.source import Arrival, Source, must_lie_apart
from fedbundle.errors import InputError

MOST_KEPT = 5_000  # images whose headers are kept, about 80 KB each


@dataclass
class StudyFiles:
    """What of a folder belongs to one study."""

    paths: list[Path] = field(default_factory=list)
    damaged: tuple[Path, ...] = ()
    instances: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by SeriesInstanceUID
    kept: list[Member] | None = field(default_factory=list)  # None: to be read again

    def members(self) -> list[Member]:
        """Headers of the study; a file that has gone meanwhile is damaged now."""
        if self.kept is not None:
            return self.kept
        found: list[Member] = []
        with tolerant():
            for path in self.paths:
                members = read_members(path) if path.is_file() else []
                if not members:
                    self.damaged += (path,)
                found += members
        return found


class FolderArrival(Arrival):
    """A study whose files are here already."""

    def __init__(self, study_uid: str, files: StudyFiles, told: Mapping[str, Announced]) -> None:
        super().__init__(study_uid)
        self.files = files
        self.told = told

    def announced(self) -> Mapping[str, Announced]:
        """What a DICOMDIR lists; empty without one."""
        return self.told

    @contextmanager
    def fetch(self) -> Iterator[Survey]:
        """The files where they are; headers are let go on leaving."""
        files = self.files
        count = len(files.paths) + len(files.damaged)
        series = series_of(files.members())
        yield Survey(series, count, 0, files.damaged)
        files.kept = None


class Folder(Source):
    """Searched recursively; names and extensions do not matter, and every file is read, listed or not."""

    def __init__(self, path: Path, most_kept: int = MOST_KEPT) -> None:
        self.path = path
        self.most_kept = most_kept
        self.files = self.skipped = 0
        self.unowned: tuple[Path, ...] = ()  # damaged files of which nothing tells whose they are

    def check(self, dataset: Path) -> None:
        """Read all headers: there must be images, outside the dataset."""
        must_lie_apart(dataset, self.path)
        if not self.studies:
            zips = any(path.suffix.lower() == ".zip" for path in self.path.rglob("*"))
            advice = "of a zip in it, give the zip itself" if zips else "check the path"
            raise InputError(f"DICOM folder must hold DICOM images, got none in {self.files} files; {advice}")

    @cached_property
    def studies(self) -> dict[str, StudyFiles]:
        """By StudyInstanceUID, in the order of the UIDs; also those of which only a DICOMDIR tells."""
        found: dict[str, StudyFiles] = defaultdict(StudyFiles)
        in_folder: dict[Path, set[str]] = defaultdict(set)
        damaged: list[Path] = []
        self.directories: list[Path] = []
        room = self.most_kept
        with tolerant():
            for seen in look_through(self.path):
                self.files += 1
                if seen.directory:
                    self.directories.append(seen.path)
                if seen.damaged:
                    damaged.append(seen.path)
                elif seen.members:
                    uid = text(seen.members[0][0], "StudyInstanceUID")
                    in_folder[seen.path.parent].add(uid)
                    room -= _add(found[uid], seen, room)
                else:
                    self.skipped += 1
        for path in damaged:
            owners = in_folder.get(path.parent, set())
            if len(owners) == 1:
                found[next(iter(owners))].damaged += (path,)
            else:
                self.unowned += (path,)
        for uid, _ in _listed_by(self.directories):
            found[uid]
        return dict(sorted(found.items()))

    @cached_property
    def announced(self) -> dict[str, dict[str, Announced]]:
        """By study, the series that a DICOMDIR lists: each with what is listed or found."""
        told: dict[str, dict[str, Announced]] = defaultdict(dict)
        studies = self.studies
        for (study, series), (modality, uids) in _listed_by(self.directories).items():
            told[study][series] = Announced(modality, len(uids | studies[study].instances.get(series, set())))
        return dict(told)

    def arrivals(self, spool: Path) -> Sequence[Arrival]:  # noqa: ARG002 -- nothing is copied
        """One per study, in the order of the UIDs."""
        return [FolderArrival(uid, files, self.announced.get(uid, {})) for uid, files in self.studies.items()]

    def rest(self) -> Survey:
        """Files that are no images, and damaged ones of which nothing tells whose they are."""
        return Survey([], self.skipped + len(self.unowned), self.skipped, self.unowned)


def _add(study: StudyFiles, seen: Seen, room: int) -> int:
    """Add a file to its study, its headers only while there is room; returns how many headers more are kept now."""
    study.paths.append(seen.path)
    for header, _, _ in seen.members:
        study.instances[text(header, "SeriesInstanceUID")].add(text(header, "SOPInstanceUID"))
    if study.kept is None:
        return 0
    if len(seen.members) <= room:
        study.kept += seen.members
        return len(seen.members)
    given_up = len(study.kept)
    study.kept = None
    return -given_up


def _listed_by(directories: Sequence[Path]) -> dict[tuple[str, str], tuple[str, set[str]]]:
    """Study and series -> Modality and SOPInstanceUIDs, from all DICOMDIR files together."""
    wanted: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for path in directories:
        instances, modalities = listed(path)
        for (study, series), uids in instances.items():
            modality, known = wanted.get((study, series), ("", set[str]()))
            wanted[study, series] = (modalities.get(series, modality), known | uids)
    return dict(sorted(wanted.items()))
