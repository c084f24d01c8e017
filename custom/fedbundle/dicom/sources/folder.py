"""A folder of DICOM files; where it holds a DICOMDIR, files that this lists and that are not there are noticed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.series import Survey, survey
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.dicomdir import listed
from fedbundle.dicom.sources.source import Arrival, Source, must_lie_apart
from fedbundle.errors import InputError


class FolderArrival(Arrival):
    """A study whose files are here already."""

    def __init__(self, study_uid: str, found: Survey, told: Mapping[str, Announced]) -> None:
        super().__init__(study_uid)
        self.found = found
        self.told = told

    def announced(self) -> Mapping[str, Announced]:
        """What a DICOMDIR lists; empty without one."""
        return self.told

    @contextmanager
    def fetch(self) -> Iterator[Survey]:
        """The files where they are."""
        yield self.found


class Folder(Source):
    """Searched recursively; names and extensions do not matter, and every file is read, listed or not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self, dataset: Path) -> None:
        """Read all headers: there must be images, outside the dataset."""
        must_lie_apart(dataset, self.path)
        if not self.studies:
            raise InputError(
                f"DICOM folder must hold DICOM images, got none in {self.surveyed.files} files; check the path"
            )

    @cached_property
    def surveyed(self) -> Survey:
        """All headers below the folder."""
        return survey(self.path)

    @cached_property
    def announced(self) -> dict[str, dict[str, Announced]]:
        """By study, the series that a DICOMDIR lists: each with what is listed or found."""
        wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
        modalities: dict[str, str] = {}
        for path in self.surveyed.directories:
            instances, told = listed(path)
            modalities |= told
            for place, uids in instances.items():
                wanted[place] |= uids
        with tolerant():
            for series in self.surveyed.series if wanted else ():
                if (series.study_uid, series.uid) in wanted:
                    uids = {text(header, "SOPInstanceUID") for header in series.headers}
                    wanted[series.study_uid, series.uid] |= uids
        found: dict[str, dict[str, Announced]] = defaultdict(dict)
        for (study, series_uid), uids in sorted(wanted.items()):
            found[study][series_uid] = Announced(modalities.get(series_uid, ""), len(uids))
        return dict(found)

    @cached_property
    def studies(self) -> dict[str, Survey]:
        """By study, what belongs to it."""
        damaged, parts = self.surveyed.damaged_of(), {}
        studies = self.surveyed.studies()
        for uid in sorted({*studies, *self.announced}):
            series, broken = studies.get(uid, []), damaged.get(uid, ())
            parts[uid] = Survey(series, sum(len(each.files) for each in series) + len(broken), 0, broken)
        return parts

    def arrivals(self, spool: Path) -> Sequence[Arrival]:  # noqa: ARG002 -- nothing is copied
        """One per study, in the order of the UIDs."""
        return [FolderArrival(uid, part, self.announced.get(uid, {})) for uid, part in self.studies.items()]

    def rest(self) -> Survey:
        """Files that are no images, and damaged ones of which nothing tells whose they are."""
        owned = {path for part in self.studies.values() for path in part.damaged}
        damaged = tuple(path for path in self.surveyed.damaged if path not in owned)
        files = self.surveyed.files - sum(part.files for part in self.studies.values())
        return Survey([], files, self.surveyed.skipped, damaged)
