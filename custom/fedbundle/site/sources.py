"""Which source the command line means: a folder or zip, a DICOMweb server, or a PACS of site.toml."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fedbundle.dicom.series import Series
from fedbundle.dicom.sources.folder import Folder
from fedbundle.dicom.sources.remote import Remote
from fedbundle.dicom.sources.source import Source
from fedbundle.dicom.sources.zipped import Zip
from fedbundle.errors import InputError
from fedbundle.site.home import SiteHome
from fedbundle.site.secret import read_secret
from fedbundle.site.spool import spool
from fedbundle.site.studies import wanted_studies

if TYPE_CHECKING:
    from fedbundle.dicom.sources.dicomweb import Access


def chosen_source(
    home: SiteHome,
    dicom: Path | None = None,
    dicomweb: str | None = None,
    pacs: str | None = None,
    studies: Path | None = None,
    labels: Path | None = None,
) -> Source:
    """The one source that is named.

    Args:
        home: the site; its site.toml describes servers.
        dicom: folder or zip.
        dicomweb: URL of a DICOMweb service.
        pacs: NAME of a table [pacs.NAME] in site.toml.
        studies: list of the studies that are wanted of a server.
        labels: CSV of the labels, which names them where `studies` does not.

    Raises:
        InputError: not exactly one source, or no studies named for a server.
        SiteError: site.toml does not know the PACS, or a secret's file cannot be used.
    """
    named = [flag for flag, given in (("--dicom", dicom), ("--dicomweb", dicomweb), ("--pacs", pacs)) if given]
    if len(named) != 1:
        raise InputError(
            f"source must be one of --dicom, --dicomweb and --pacs, got {' and '.join(named) or 'none'}; give one"
        )
    if dicom:
        if studies:
            raise InputError("--studies must come with --dicomweb or --pacs, got --dicom; a folder is taken whole")
        return local_source(dicom)
    listed = studies or labels
    if listed is None:
        raise InputError("studies wanted of a server must be named, got neither --studies nor --labels; give one")
    wanted = wanted_studies(listed)
    if dicomweb:
        from fedbundle.dicom.sources.dicomweb import DicomWeb

        return Remote(DicomWeb(dicomweb, _access(home, dicomweb)), wanted)
    from fedbundle.dicom.sources.dimse import Dimse, Node

    known = home.settings["pacs"]
    if pacs is None or pacs not in known:
        raise InputError(
            f"--pacs must be a table [pacs.NAME] of site.toml, got {pacs}; known are {', '.join(known) or 'none'}"
        )
    return Remote(Dimse(pacs, Node(**known[pacs])), wanted)


def local_source(path: Path) -> Source:
    """A folder, or the zip that a file is taken for."""
    return Zip(path) if path.is_file() else Folder(path)


def local_studies(home: SiteHome, source: Source) -> Iterator[list[Series]]:
    """Series of one study of a folder or zip after the other; a zip is unpacked among the temporary files meanwhile.

    Raises:
        InputError: the source cannot be read.
        OutputError: there is no room to unpack a zip.
    """
    with spool(home, Path(tempfile.mkdtemp(prefix="fedbundle-studies-"))) as incoming:
        for arrival in source.arrivals(incoming):
            with arrival.fetch() as found:
                if study := found.studies().get(arrival.study_uid):
                    yield study


def _access(home: SiteHome, url: str) -> "Access":
    """Credentials that site.toml has for a URL; none when it does not name it."""
    from fedbundle.dicom.sources.dicomweb import Access

    for name, table in home.settings["dicomweb"].items():
        if table["url"].rstrip("/") == url.rstrip("/"):
            secrets = {
                key: read_secret(home.path / file, f"dicomweb.{name}.{key}_file")
                for key in ("password", "token")
                if (file := table.get(f"{key}_file"))
            }
            ca = str(home.path / table["ca"]) if "ca" in table else ""
            return Access(table.get("user", ""), ca=ca, timeout_s=table["timeout_s"], **secrets)
    return Access()
