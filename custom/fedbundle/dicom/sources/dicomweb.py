"""A DICOMweb server: QIDO-RS finds, WADO-RS retrieves (PS3.18 sections 10.6 and 10.4)."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom.dataset import Dataset

from fedbundle.dicom.header import tolerant
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.remote import MOST_ANSWERS, Broken, Server, checked_uid
from fedbundle.errors import InputError, PacsError

AS_STORED = (("application/dicom", "*"),)  # never transcoded
STUDY_UID, SERIES_UID, SOP_UID = "0020000D", "0020000E", "00080018"
MODALITY, INSTANCES, PATIENT_ID = "00080060", "00201209", "00100020"
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL)  # its messages quote UIDs


@dataclass(frozen=True)
class Access:
    """How to be let in; all empty = without credentials."""

    user: str = ""
    password: str = ""
    token: str = ""
    ca: str = ""  # file with the certificates to trust, beside the usual ones when empty
    timeout_s: float = 60.0  # longest silence


class _Bearer:
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class DicomWeb(Server):
    """One server by the URL of its DICOMweb service."""

    called = "DICOMweb server"

    def __init__(self, url: str, access: Access) -> None:
        _check(url)
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy and no ~/.netrc between a hospital's PACS and its images
        self.session.max_redirects = 0
        self.session.verify = access.ca or True
        if access.token:
            self.session.auth = _Bearer(access.token)
        elif access.user:
            self.session.auth = (access.user, access.password)
        self.client = DICOMwebClient(url, self.session, permissive_uid=True, timeout=access.timeout_s)
        self.client.set_http_retry_params(retry=False)

    def find(self, study_uid: str) -> dict[str, Announced] | None:
        """QIDO-RS: the study, then its series."""
        with _spoken():
            studies = self.client.search_for_studies(search_filters={"StudyInstanceUID": study_uid})
            of_study = [item for item in studies if _first(item, STUDY_UID) == study_uid]
        if not of_study:
            return None
        patient_id = _first(of_study[0], PATIENT_ID)
        told: dict[str, Announced] = {}
        for item in _pages(lambda offset: self.client.search_for_series(study_uid, offset=offset), SERIES_UID):
            uid, instances = checked_uid(_first(item, SERIES_UID)), _first(item, INSTANCES)
            if uid is None:
                raise PacsError("DICOMweb server must name series by UIDs, got something else; ask who runs it")
            count = int(instances) if instances.isdecimal() else self._counted(study_uid, uid)
            told[uid] = Announced(_first(item, MODALITY).upper(), count, patient_id)
        return told or None

    def _counted(self, study_uid: str, series_uid: str) -> int:
        """QIDO-RS instances, for servers that do not tell the count."""
        found = _pages(lambda offset: self.client.search_for_instances(study_uid, series_uid, offset=offset), SOP_UID)
        return sum(1 for _ in found)

    def pull(self, study_uid: str, series_uid: str, folder: Path, most: int) -> None:
        """WADO-RS of one series, in the transfer syntax it is stored in."""
        with _spoken(), tolerant():
            images = self.client.iter_series(study_uid, series_uid, media_types=AS_STORED)
        for number in range(most):
            with _spoken(), tolerant():
                image = next(images, None)
            if image is None:
                return
            _write(image, folder / f"{number:06d}")


def _write(image: Dataset, path: Path) -> None:
    """Write an instance; one that pydicom cannot write is left empty, hence damaged."""
    try:
        with tolerant():
            image.save_as(path)
    except OSError:
        raise
    except Exception:  # as when reading: bytes of a stranger
        path.write_bytes(b"")


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        raise InputError("--dicomweb must be an http or https URL, got something else; check it") from None
    if not sound:
        raise InputError("--dicomweb must be an http or https URL, got something else; check it")
    if parts.username or parts.password:
        raise InputError(
            "--dicomweb must hold no credentials, got some; name a file with them in [dicomweb.NAME] of site.toml"
        )


@contextmanager
def _spoken() -> Iterator[None]:
    """Turn what an HTTP exchange raises into Broken or PacsError; the words of requests quote URLs and are dropped."""
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code
        if status in REFUSED:
            raise PacsError(
                f"DICOMweb server must let us in, got HTTP {status}; check [dicomweb.NAME] of site.toml and its files"
            ) from None
        if status == HTTPStatus.NOT_FOUND:
            raise Broken("HTTP 404, as from a URL without DICOMweb") from None
        raise Broken(f"HTTP {status}") from None
    except requests.TooManyRedirects:
        raise PacsError("DICOMweb server must answer itself, got a redirection; give its final URL") from None
    except requests.exceptions.SSLError:
        raise PacsError(
            "DICOMweb server must have a certificate we trust, got another; name its authority as `ca` in "
            "[dicomweb.NAME] of site.toml"
        ) from None
    except requests.RequestException as error:
        raise Broken(f"no answer ({type(error).__name__})") from None
    except PacsError:
        raise
    except Exception as error:  # bytes of a stranger: pydicom and the multipart reader raise almost anything
        raise Broken(f"an answer that is no DICOM ({type(error).__name__})") from None


def _pages(search: Callable[[int], list[dict[str, Any]]], key: str) -> Iterator[dict[str, Any]]:
    """All answers of a search, page by page until none is new; a server may cut its answer anywhere."""
    seen: set[str] = set()
    offset = 0
    while True:
        with _spoken():
            page = search(offset)
            news = [item for item in page if _first(item, key) not in seen]
        if not news:
            return
        seen |= {_first(item, key) for item in news}
        offset += len(page)
        if offset > MOST_ANSWERS:
            raise PacsError(f"DICOMweb server must give at most {MOST_ANSWERS} answers, got more; ask who runs it")
        yield from news


def _first(item: dict[str, Any], tag: str) -> str:
    """First value of an attribute in the DICOM JSON model (PS3.18 F.2), "" when absent."""
    values = item.get(tag, {}).get("Value") or [""]
    return str(values[0]).strip()
