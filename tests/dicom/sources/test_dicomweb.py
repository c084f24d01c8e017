"""A DICOMweb server over loopback: what it sends arrives, what it cannot or will not is told without an identifier."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from samples.dicom_series import Stack, make_slices

from fedbundle.dicom.sources import remote
from fedbundle.dicom.sources.announced import Announced, shortfall
from fedbundle.dicom.sources.dicomweb import Access, DicomWeb
from fedbundle.dicom.sources.remote import Broken, Remote
from fedbundle.errors import InputError, PacsError

SECRET = "secret"  # noqa: S105 -- of a server that lives as long as a test
STUDY = Stack().study_uid
SERIES = STUDY.removesuffix("100") + "1.0"


class SmallServer:
    """One study of one series; faults can be switched on."""

    def __init__(self) -> None:
        self.counts = True
        self.page = 1000
        self.status = 200
        self.body: bytes | None = None  # instead of every answer
        self.cut = 0  # bytes left out at the end of a retrieval
        self.seen: list[str | None] = []  # Authorization headers
        self.images = make_slices()
        self.url = ""

    def search(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """QIDO-RS."""
        start = int(query.get("offset", "0"))
        if path == "/studies":
            found = [{"0020000D": {"vr": "UI", "Value": [STUDY]}, "00100020": {"vr": "LO", "Value": [Stack().patient]}}]
        elif path.endswith("/instances"):
            found = [{"00080018": {"vr": "UI", "Value": [image.SOPInstanceUID]}} for image in self.images]
        else:
            row: dict[str, Any] = {
                "0020000E": {"vr": "UI", "Value": [SERIES]},
                "00080060": {"vr": "CS", "Value": ["MR"]},
            }
            found = [row | ({"00201209": {"vr": "IS", "Value": [len(self.images)]}} if self.counts else {})]
        return found[start : start + self.page]

    def retrieve(self) -> bytes:
        """WADO-RS."""
        body = b""
        for image in self.images:
            file = BytesIO()
            image.save_as(file, enforce_file_format=True)
            body += b"\r\n--cut\r\nContent-Type: application/dicom\r\n\r\n" + file.getvalue()
        return body + b"\r\n--cut--"

    @contextmanager
    def running(self) -> Iterator["SmallServer"]:
        """Serve until the block ends."""
        small = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                small.seen.append(self.headers["Authorization"])
                path, _, query = self.path.partition("?")
                pairs = dict(pair.split("=") for pair in query.split("&") if pair)
                wado = path == f"/studies/{STUDY}/series/{SERIES}"
                body = small.retrieve() if wado else json.dumps(small.search(path, pairs)).encode()
                self.send_response(small.status)
                if small.status == 302:
                    self.send_header("Location", "http://127.0.0.1:9/")
                kind = "multipart/related; type=application/dicom; boundary=cut" if wado else "application/dicom+json"
                self.send_header("Content-Type", kind)
                body = body if small.body is None else small.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - (small.cut if wado else 0)])

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallServer]:
    """Running; attempts follow each other at once."""
    monkeypatch.setattr(remote, "WAITS_S", (0.0, 0.0, 0.0))
    with SmallServer().running() as small:
        yield small


@pytest.mark.parametrize(("counts", "page"), [(True, 1000), (False, 1000), (False, 5)])
def test_a_study_arrives_whole(server: SmallServer, tmp_path: Path, counts: bool, page: int) -> None:
    server.counts, server.page = counts, page
    (arrival,) = Remote(DicomWeb(server.url, Access()), [STUDY]).arrivals(tmp_path)
    told = arrival.announced() or {}
    assert told == {SERIES: Announced("MR", 12, Stack().patient)}
    with arrival.fetch() as found:
        assert shortfall(found.series, told) == {}
        assert [h.PixelData for h in server.images] == [f.read_bytes()[-240:] for f in found.series[0].files]
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_there_is_told(server: SmallServer) -> None:
    assert DicomWeb(server.url, Access()).find("1.2.3") is None


def test_credentials_are_sent_and_their_refusal_is_told_at_once(server: SmallServer) -> None:
    DicomWeb(server.url, Access(user="steward", password=SECRET)).find(STUDY)
    DicomWeb(server.url, Access(token=SECRET)).find(STUDY)
    assert set(server.seen) == {"Basic c3Rld2FyZDpzZWNyZXQ=", "Bearer secret"}
    server.status, server.seen = 401, []
    with pytest.raises(PacsError, match=r"must let us in, got HTTP 401"):
        Remote(DicomWeb(server.url, Access()), [STUDY]).arrivals(Path())[0].announced()
    assert server.seen == [None]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, None, "HTTP 500"),
        (404, None, "HTTP 404, as from a URL without DICOMweb"),
        (200, b"<html>Welcome</html>", "no answer|no DICOM"),
        (200, b'{"0020000D": 7}', "no DICOM"),
        (200, b"[1, 2]", "no DICOM"),
    ],
)
def test_a_server_that_answers_nonsense_is_told(
    server: SmallServer, status: int, body: bytes | None, told: str
) -> None:
    server.status, server.body = status, body
    (arrival,) = Remote(DicomWeb(server.url, Access()), [STUDY]).arrivals(Path())
    with pytest.raises(PacsError, match=f"DICOMweb server must answer, got .*({told})") as caught:
        arrival.announced()
    assert STUDY not in str(caught.value)
    assert len(server.seen) == 3


def test_it_is_not_sent_elsewhere(server: SmallServer) -> None:
    server.status = 302
    with pytest.raises(PacsError, match="redirection"):
        DicomWeb(server.url, Access(token=SECRET)).find(STUDY)


def test_a_transfer_cut_short_is_begun_again_and_then_counted(server: SmallServer, tmp_path: Path) -> None:
    (arrival,) = Remote(DicomWeb(server.url, Access()), [STUDY]).arrivals(tmp_path)
    told = arrival.announced() or {}
    server.cut = 900
    with pytest.raises(Broken):
        DicomWeb(server.url, Access()).pull(STUDY, SERIES, tmp_path, 13)
    with arrival.fetch() as found:
        assert list(shortfall(found.series, told)) == [SERIES]


@pytest.mark.parametrize("url", ["ftp://x", "pacs", "http://", "http://a:b@pacs/dicom-web", "http://x:99999999/"])
def test_a_wrong_url_is_told(url: str) -> None:
    with pytest.raises(InputError, match="--dicomweb must"):
        DicomWeb(url, Access())
