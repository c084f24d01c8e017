"""What results of a film that are told side by side have in common: which sides it shows, and a DICOM SR of them."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedbundle.clinic.findings import SR_SUFFIX, Findings, Target
from fedbundle.clinic.study import Study
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import ClassificationOut, RiskOut
from fedbundle.dicom.sides import Sides, sides_on
from fedbundle.dicom.sr.group import Group
from fedbundle.dicom.sr.write import write_report

Wanted = TypeVar("Wanted", ClassificationOut, RiskOut)
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Sided(Findings, Generic[Wanted, Result]):
    """A result of each side."""

    wanted: Wanted
    study: Study
    seen: Sides
    results: tuple[Result, ...]  # right before left

    @property
    def film(self) -> Volume:
        """The radiograph."""
        return self.study.volume(self.wanted.input)

    @abstractmethod
    def group(self, each: Result) -> Group:
        """What the report says of one side."""

    def objects(self) -> Sequence[str]:
        """SR."""
        return (SR_SUFFIX,)

    def write(self, target: Target) -> None:
        """A measurement group per side."""
        wanted, sources = self.wanted, self.study.headers(self.wanted.input)
        groups = [self.group(each) for each in self.results]
        write_report(groups, sources, None, wanted.series_description, wanted.procedure, target.model, target.report)


def sides_seen(study: Study, wanted: ClassificationOut | RiskOut) -> Sides:
    """Which sides the film shows, by its header and its width.

    Raises:
        NoUsableSeriesError: they do not tell.
    """
    return sides_on(study.headers(wanted.input)[0], study.volume(wanted.input), wanted.both_sides_from_mm)
