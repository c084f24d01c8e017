"""A PACS inside the test's process: C-FIND, C-GET and C-MOVE by pynetdicom, with faults that can be switched on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orthanc import free_port
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.transport import ThreadedAssociationServer

from fedbundle.dicom.sources.dimse import Dimse, Find, Get, Move, Node

# pynetdicom shuts a socket down before it closes it; where nobody answered the first raises, and the second never comes
UNCLOSED = r"ignore:unclosed <socket.socket fd=[0-9]+, family=2, type=1, proto=0, laddr=.[^ ]+ [0-9]+.>:ResourceWarning"
AE_TITLE, CALLING = "SMALLPACS", "FEDBUNDLE"


@dataclass
class SmallPacs:
    """Holds images and tells of them."""

    images: list[Dataset]
    port: int = field(default_factory=free_port)
    ours: int = field(default_factory=free_port)  # where C-MOVE sends to
    tells_counts: bool = True
    ignores_keys: bool = False  # answers a query with all it has
    loses: int = 0  # instances of each series that are told and not sent
    loses_in: str = ""  # of series whose UID ends so
    aborts_after: int = 1_000_000  # sent instances, counted over all retrievals
    then_gone: bool = False  # after that, takes no more calls
    sent: int = 0
    retrievals: int = 0

    @classmethod
    def of(cls, folder: Path) -> "SmallPacs":
        """With all images below a folder."""
        return cls([dcmread(path) for path in sorted(folder.rglob("*")) if path.is_file()])

    def node(self, **other: Any) -> Node:
        """How to reach it."""
        known = {"calling_ae_title": CALLING, "listen_host": "127.0.0.1", "listen_port": self.ours, "timeout_s": 5}
        return Node("127.0.0.1", self.port, AE_TITLE, **(known | other))

    def server(self, **other: Any) -> Dimse:
        """The source that asks it."""
        return Dimse("small", self.node(**other))

    @contextmanager
    def running(self) -> Iterator["SmallPacs"]:
        """Serve on loopback until the block ends."""
        entity = AE(AE_TITLE)
        entity.require_called_aet, entity.require_calling_aet = True, [CALLING]
        for model in (Find, Get, Move):
            entity.add_supported_context(model)
        entity.add_supported_context(MRImageStorage, scu_role=True, scp_role=True)
        entity.add_requested_context(MRImageStorage)  # for what C-MOVE sends
        handlers = [
            (evt.EVT_CONN_OPEN, _at_once),
            (evt.EVT_REQUESTED, self._busy),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_GET, self._send),
            (evt.EVT_C_MOVE, self._move),
        ]
        server: Any = entity.make_server(
            ("127.0.0.1", self.port), evt_handlers=handlers, server_class=ThreadedAssociationServer
        )
        entity._servers.append(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # ends sooner than by AE.start_server
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()

    def _busy(self, event: Event) -> None:
        if self.then_gone and self.sent >= self.aborts_after:
            event.assoc.abort()

    def _matching(self, asked: Dataset) -> list[Dataset]:
        keys = [name for name in ("StudyInstanceUID", "SeriesInstanceUID") if asked.get(name)]
        return [i for i in self.images if self.ignores_keys or all(i[name].value == asked[name].value for name in keys)]

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        asked = event.identifier
        key = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
        rows: dict[str, list[Dataset]] = {}
        for image in self._matching(asked):
            rows.setdefault(str(image[key[asked.QueryRetrieveLevel]].value), []).append(image)
        for images in rows.values():
            row = Dataset()
            row.QueryRetrieveLevel = asked.QueryRetrieveLevel
            for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality"):
                if name in asked:
                    setattr(row, name, images[0][name].value)
            if self.tells_counts and "NumberOfSeriesRelatedInstances" in asked:
                row.NumberOfSeriesRelatedInstances = len(images)
            yield 0xFF00, row

    def _send(self, event: Event) -> Iterator[Any]:
        self.retrievals += 1
        images = self._matching(event.identifier)
        if str(event.identifier.SeriesInstanceUID).endswith(self.loses_in):
            images = images[: len(images) - self.loses]
        yield len(images)
        for image in images:
            if self.sent >= self.aborts_after:
                event.assoc.abort()
                return
            self.sent += 1
            yield 0xFF00, image

    def _move(self, event: Event) -> Iterator[Any]:
        yield "127.0.0.1", self.ours
        yield from self._send(event)


def _at_once(event: Event) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
