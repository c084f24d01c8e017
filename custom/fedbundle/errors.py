"""The one exception tree; each class carries the exit code under which its help page stands.

FedbundleError                1  anything the user can put right
+-- InputError               10  a path or value on the command line cannot be used
+-- OutputError              11  the output cannot be written where it was asked for
+-- DicomError               20  DICOM input breaks a rule
|   +-- NoUsableSeriesError  21  no series of a study can play a role the bundle needs
|   +-- TooManyRefusedError  22  more series or studies were refused than the declared budget
|   +-- ResidualError        23  an identifier of the source was found in what was written
|   +-- SegmentationError    24  a result does not lie on the grid of its source series
|   +-- PacsError            25  a PACS or DICOMweb server cannot be reached or does not do what it is asked
+-- BundleError              30  a bundle breaks its contract
|   +-- DigestError          31  a bundle is not the one that was named
|   +-- ExportError          32  the exported bundle does not behave like the trained one
|   +-- CheckError           33  check found a rule that the bundle breaks
+-- SiteError                40  a site home is incomplete or damaged
|   +-- NotInstalledError    41  the bundle is not in the site's store
|   +-- NotApprovedError     42  the steward has not approved this digest
|   +-- DatasetError         43  the dataset breaks the bundle's data contract
|   +-- UnhealthyError       44  doctor found something to mend
+-- ProvisionError           50  kits cannot be made from project.yml and sites/*.yml
+-- FederationError          60  the federation cannot be reached or driven
|   +-- JobRefusedError      61  a server or hospital refused the job
|   +-- FellShortError       62  the run trained on less than it declared
+-- PredictionError          70  a bundle could not be run on a study
"""

from typing import Any, ClassVar


class FedbundleError(Exception):
    """Base of everything a user can put right; the message says what, where and what to do."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, summary: str = "", data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.summary = summary  # what was done all the same, for people
        self.data = data or {}  # and for machines


class InputError(FedbundleError):
    """A path or value on the command line cannot be used."""

    code = 10


class OutputError(FedbundleError):
    """The output cannot be written where it was asked for."""

    code = 11


class DicomError(FedbundleError):
    """DICOM input breaks a rule."""

    code = 20


class NoUsableSeriesError(DicomError):
    """No series of a study can play a role the bundle needs."""

    code = 21


class TooManyRefusedError(DicomError):
    """More series or studies were refused than the declared budget."""

    code = 22


class ResidualError(DicomError):
    """An identifier of the source was found in what was written."""

    code = 23


class SegmentationError(DicomError):
    """A result does not lie on the grid of its source series."""

    code = 24


class PacsError(DicomError):
    """A PACS or DICOMweb server cannot be reached or does not do what it is asked."""

    code = 25


class BundleError(FedbundleError):
    """A bundle breaks its contract."""

    code = 30


class DigestError(BundleError):
    """A bundle is not the one that was named."""

    code = 31


class ExportError(BundleError):
    """The exported bundle does not behave like the trained one."""

    code = 32


class CheckError(BundleError):
    """Check found a rule that the bundle breaks."""

    code = 33


class SiteError(FedbundleError):
    """A site home is incomplete or damaged."""

    code = 40


class NotInstalledError(SiteError):
    """The bundle is not in the site's store."""

    code = 41


class NotApprovedError(SiteError):
    """The steward has not approved this digest."""

    code = 42


class DatasetError(SiteError):
    """The dataset breaks the bundle's data contract."""

    code = 43


class UnhealthyError(SiteError):
    """Doctor found something to mend."""

    code = 44


class ProvisionError(FedbundleError):
    """Kits cannot be made from project.yml and sites/*.yml."""

    code = 50


class FederationError(FedbundleError):
    """The federation cannot be reached or driven."""

    code = 60


class JobRefusedError(FederationError):
    """A server or hospital refused the job."""

    code = 61


class FellShortError(FederationError):
    """The run trained on less than it declared."""

    code = 62


class PredictionError(FedbundleError):
    """A bundle could not be run on a study."""

    code = 70
