"""A real PACS: Debian's Orthanc with its DICOMweb plugin, on loopback, in the foreground, unprivileged."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from fedbundle.errors import PacsError

PROGRAM = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
AE_TITLE, CALLING, STORE = "TESTPACS", "FEDBUNDLE", "FEDBUNDLE"
USER, PASSWORD = "steward", "correct-horse"
UNPRIVILEGED = 65534  # nobody
START_S = 30.0


def installed() -> bool:
    """Orthanc and its plugin are there: apt-get install orthanc orthanc-dicomweb."""
    return PROGRAM is not None and PLUGIN.is_file()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Address:
    """Where an Orthanc is reached, and how."""

    http: int = field(default_factory=free_port)
    dicom: int = field(default_factory=free_port)
    move: int = field(default_factory=free_port)  # where it sends to

    @property
    def url(self) -> str:
        """Of the DICOMweb service."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def receive(self, folder: Path) -> None:
        """Store all files below `folder`."""
        with requests.Session() as session:
            session.auth, session.trust_env = (USER, PASSWORD), False
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                answer = session.post(f"http://127.0.0.1:{self.http}/instances", data=file.read_bytes(), timeout=30)
                answer.raise_for_status()

    def settings(self, retrieve: str = "get") -> str:
        """Tables for site.toml; the password lies in keys/dicomweb.password."""
        return f"""
[pacs.test]
host = "127.0.0.1"
port = {self.dicom}
ae_title = "{AE_TITLE}"
calling_ae_title = "{CALLING}"
retrieve = "{retrieve}"
listen_host = "127.0.0.1"
listen_port = {self.move}
timeout_s = 20

[dicomweb.test]
url = "{self.url}"
user = "{USER}"
password_file = "keys/dicomweb.password"
timeout_s = 20
"""


class Orthanc:
    """An Orthanc that can be stopped and started again with what it holds."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.environment = folder, environment or {}
        self.address = Address()
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "store").mkdir(parents=True)
        (folder / "orthanc.json").write_text(json.dumps(self._configuration()))
        if os.geteuid() == 0:
            for place in (folder, folder / "store", folder / "orthanc.json"):
                os.chown(place, UNPRIVILEGED, UNPRIVILEGED)

    def _configuration(self) -> dict[str, object]:
        node = {"AET": STORE, "Host": "127.0.0.1", "Port": self.address.move, "AllowStore": True, "AllowEcho": True}
        return {
            "Name": "test",
            "DicomAet": AE_TITLE,
            "DicomPort": self.address.dicom,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowStore": False,
            "DicomAlwaysAllowEcho": False,
            "DicomModalities": {"us": node | {"AllowFind": True, "AllowMove": True, "AllowGet": True}},
            "HttpPort": self.address.http,
            "HttpBindAddresses": ["127.0.0.1"],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False, "Ssl": False},
            "StorageDirectory": str(self.folder / "store"),
            "IndexDirectory": str(self.folder / "store"),
        }

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            PacsError: it does not.
        """
        as_root = os.geteuid() == 0
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), str(self.folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "TCP_NODELAY": "1", **self.environment},
                **({"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if as_root else {}),
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if requests.get(f"http://127.0.0.1:{self.address.http}/system", auth=(USER, PASSWORD), timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        told = (self.folder / "orthanc.log").read_text(errors="replace")[-2000:]
        raise PacsError(f"Orthanc must answer within {START_S:g} s, got {told}; mend its installation")

    def stop(self, kill: bool = False) -> None:
        """End the process, abruptly if asked."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self.process.wait(30)


@contextmanager
def running(environment: Mapping[str, str] | None = None) -> Iterator[Orthanc]:
    """An empty Orthanc that ends with the block, and all it stored with it."""
    with tempfile.TemporaryDirectory(prefix="orthanc-") as folder:  # other folders may be closed to other accounts
        orthanc = Orthanc(Path(folder), environment)
        try:
            orthanc.start()
            yield orthanc
        finally:
            orthanc.stop(kill=True)
