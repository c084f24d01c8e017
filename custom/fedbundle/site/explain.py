"""The way back from a pseudonym to the images: for the steward, on the terminal, written nowhere."""

from pathlib import Path

from fedbundle.errors import InputError
from fedbundle.site.cases.take import case_of
from fedbundle.site.folder import CASE
from fedbundle.site.home import SiteHome
from fedbundle.site.sources import local_source, local_studies


def explain(home: SiteHome, dicom: Path, case: str) -> list[Path]:
    """Folders below or in `dicom` that hold the study which became `case`, or was refused under this pseudonym.

    Args:
        home: the site whose key made the pseudonym.
        dicom: folder or zip with the images.
        case: 16 hexadecimal digits, as in ingest.jsonl and in the names of the dataset's files.

    Raises:
        InputError: no pseudonym of a case, or none of a study in this folder or zip, or it cannot be read.
        OutputError: there is no room to unpack a zip.
    """
    if not CASE.fullmatch(case):
        raise InputError(f"--explain must be the 16 hexadecimal digits of a case, got {case!r}; see ingest.jsonl")
    source, key = local_source(dicom), home.key()
    folders = {
        source.folder_of(file)
        for study in local_studies(home, source)
        if case_of(study, key)[0] == case
        for series in study
        for file in series.files
    }
    if folders:
        return sorted(folders)
    raise InputError(
        f"--explain must be the value of `case` of a study in {dicom}, got {case}, which is none of them; "
        "take it from ingest.jsonl, not those of patient, study or series, and check --dicom"
    )
