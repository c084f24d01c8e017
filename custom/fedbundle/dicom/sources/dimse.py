"""A PACS by DIMSE: C-FIND at STUDY and SERIES level, then C-GET, or C-MOVE to our own storage SCP (PS3.4 C.4)."""

import logging
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydicom import uid as uids
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.sources.announced import Announced
from fedbundle.dicom.sources.remote import MOST_ANSWERS, Broken, Server, checked_uid
from fedbundle.errors import PacsError

# Study Root Query/Retrieve Information Model (PS3.6 A.1)
Find = uids.UID("1.2.840.10008.5.1.4.1.2.2.1")
Get = uids.UID("1.2.840.10008.5.1.4.1.2.2.3")
Move = uids.UID("1.2.840.10008.5.1.4.1.2.2.2")
CONNECT_S = 10.0
SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
PENDING = (0xFF00, 0xFF01)
WARNING = 0xB000  # sub-operations ended, some failed
TRANSIENT = 2  # result of a rejection that may pass (PS3.8 9.3.4)

# A context per class and encoding, so that a PACS sends each image as it is stored; at most 128 in one association
IMAGES = (
    uids.MRImageStorage,
    uids.EnhancedMRImageStorage,
    uids.LegacyConvertedEnhancedMRImageStorage,
    uids.CTImageStorage,
    uids.EnhancedCTImageStorage,
    uids.PositronEmissionTomographyImageStorage,
    uids.EnhancedPETImageStorage,
    uids.ComputedRadiographyImageStorage,
    uids.DigitalXRayImageStorageForPresentation,
    uids.SecondaryCaptureImageStorage,
)
OTHERS = (
    uids.DigitalXRayImageStorageForProcessing,
    uids.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uids.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uids.MultiFrameTrueColorSecondaryCaptureImageStorage,
    uids.UltrasoundImageStorage,
    uids.NuclearMedicineImageStorage,
    uids.XRayAngiographicImageStorage,
    uids.SegmentationStorage,
    uids.RTStructureSetStorage,
    uids.RealWorldValueMappingStorage,
    uids.GrayscaleSoftcopyPresentationStateStorage,
    uids.KeyObjectSelectionDocumentStorage,
    uids.BasicTextSRStorage,
    uids.EnhancedSRStorage,
    uids.ComprehensiveSRStorage,
    uids.Comprehensive3DSRStorage,
    uids.XRayRadiationDoseSRStorage,
    uids.EncapsulatedPDFStorage,
    uids.MRSpectroscopyStorage,
)
PLAIN: list[str | uids.UID] = [uids.ExplicitVRLittleEndian, uids.ImplicitVRLittleEndian]
COMPRESSED = (
    uids.DeflatedExplicitVRLittleEndian,
    uids.RLELossless,
    uids.JPEGBaseline8Bit,
    uids.JPEGExtended12Bit,
    uids.JPEGLossless,
    uids.JPEGLosslessSV1,
    uids.JPEGLSLossless,
    uids.JPEG2000Lossless,
    uids.JPEG2000,
)

logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its messages quote what a PACS sends


@dataclass(frozen=True)
class Node:
    """A PACS as site.toml describes it."""

    host: str
    port: int
    ae_title: str
    calling_ae_title: str = "FEDBUNDLE"
    retrieve: Literal["get", "move"] = "get"
    listen_host: str = "0.0.0.0"  # noqa: S104 -- the PACS connects from outside; only its AE title is let in
    listen_port: int = 0  # of our storage SCP, for "move"
    timeout_s: float = 120.0  # longest silence


class Dimse(Server):
    """One PACS."""

    def __init__(self, name: str, node: Node) -> None:
        self.called = f"PACS {name}"
        self.name = name
        self.node = node
        self.inbox = _Inbox(Path(), 0)  # takes nothing

    def find(self, study_uid: str) -> dict[str, Announced] | None:
        """C-FIND: the study, then its series."""
        studies = self._ask("STUDY", {"StudyInstanceUID": study_uid, "PatientID": ""})
        if not studies:
            return None
        patient_id = text(studies[0], "PatientID")
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": "", "Modality": ""}
        told: dict[str, Announced] = {}
        for row in self._ask("SERIES", keys | {"NumberOfSeriesRelatedInstances": ""}):
            series_uid, count = checked_uid(text(row, "SeriesInstanceUID")), _count(row)
            if series_uid is None:
                raise PacsError(f"{self.called} must name series by UIDs, got something else; ask who runs it")
            if count is None and series_uid not in told:
                count = self._counted(study_uid, series_uid)
            if count is not None:
                told[series_uid] = Announced(text(row, "Modality").upper(), count, patient_id)
        return told or None

    def pull(self, study_uid: str, series_uid: str, folder: Path, most: int) -> None:
        """C-GET or C-MOVE of one series."""
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "SERIES"
        wanted.StudyInstanceUID, wanted.SeriesInstanceUID = study_uid, series_uid
        self.inbox = _Inbox(folder, most)
        if self.node.retrieve == "get":
            with self._associated([build_context(Get), *_storage()]) as association:
                self._await(association.send_c_get(wanted, Get))
        else:
            with self._associated([build_context(Move)]) as association:
                self._await(association.send_c_move(wanted, self.node.calling_ae_title, Move))
        if self.inbox.failure:
            raise self.inbox.failure

    def receiving(self) -> AbstractContextManager[None]:
        """Listen for what the PACS sends on C-MOVE."""
        return self._listening() if self.node.retrieve == "move" else nullcontext()

    def _handlers(self) -> list[Any]:
        return [(evt.EVT_CONN_OPEN, _at_once), (evt.EVT_C_STORE, lambda event: self.inbox.store(event))]

    def _counted(self, study_uid: str, series_uid: str) -> int:
        """C-FIND at IMAGE level, for a PACS that does not tell the count."""
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid, "SOPInstanceUID": ""}
        return len({text(row, "SOPInstanceUID") for row in self._ask("IMAGE", keys)})

    def _ask(self, level: str, keys: dict[str, str]) -> list[Dataset]:
        """Answers to a C-FIND that match all unique keys; a PACS may give more than it was asked for.

        Each question has an association of its own. In pynetdicom 3.0.4 the association's thread still believes itself
        paused just after a question was answered; asked again at once it wakes up, takes an answer off the queue and
        drops it, and a series is missing without a word. Seen on a machine with much else to do.
        """
        query = Dataset()
        query.QueryRetrieveLevel = level
        for name, value in keys.items():
            setattr(query, name, value)
        rows: list[Dataset] = []
        with self._associated([build_context(Find)]) as association, tolerant():
            for number, (status, row) in enumerate(association.send_c_find(query, Find)):
                code = _code(status)
                if code in PENDING and row is not None:
                    rows.append(row)
                elif code != SUCCESS:
                    raise Broken(f"status 0x{code:04X} to C-FIND")
                if number > MOST_ANSWERS:
                    raise PacsError(
                        f"{self.called} must give at most {MOST_ANSWERS} answers, got more; ask who runs it"
                    )
            return [row for row in rows if all(not want or text(row, name) == want for name, want in keys.items())]

    def _await(self, responses: Iterator[tuple[Dataset, Dataset | None]]) -> None:
        code = SUCCESS
        for status, _ in responses:
            code = _code(status)
        if code not in (SUCCESS, WARNING):
            raise Broken(f"status 0x{code:04X} to C-{self.node.retrieve.upper()}")

    @contextmanager
    def _associated(self, contexts: list[PresentationContext]) -> Iterator[Association]:
        entity = _entity(self.node)
        roles = [build_role(context.abstract_syntax or "", scp_role=True) for context in contexts[1:]]
        association = entity.associate(
            self.node.host,
            self.node.port,
            contexts,
            self.node.ae_title,
            ext_neg=list({role.sop_class_uid: role for role in roles}.values()),
            evt_handlers=self._handlers(),
        )
        if association.is_rejected:
            self._rejected(association)
        if not association.is_established:
            raise Broken("no association")
        try:
            service = contexts[0].abstract_syntax
            if service not in {context.abstract_syntax for context in association.accepted_contexts}:
                raise PacsError(
                    f"{self.called} must offer {service.name if service else ''}, got a refusal; "
                    "ask who runs it to allow it, or choose another `retrieve` in site.toml"
                )
            yield association
        finally:
            if association.is_established:
                association.release()

    def _rejected(self, association: Association) -> None:
        answer = association.acceptor.primitive
        result, reason = (answer.result, answer.reason_str) if answer else (None, "no reason")
        if result == TRANSIENT:
            raise Broken(f"a rejection ({reason})")
        raise PacsError(
            f"{self.called} must accept {self.node.calling_ae_title}, got a rejection ({reason}); check ae_title and "
            f"calling_ae_title in [pacs.{self.name}] of site.toml, and that the PACS knows this machine"
        )

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Our storage SCP, open while a study is moved, for the PACS alone."""
        entity = _entity(self.node)
        entity.require_called_aet = True
        entity.require_calling_aet = [self.node.ae_title]
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax or "", ALL_TRANSFER_SYNTAXES)
        try:
            server: Any = entity.start_server(
                (self.node.listen_host, self.node.listen_port),
                block=False,
                evt_handlers=self._handlers(),
            )
        except OSError as error:
            raise PacsError(
                f"listen_port {self.node.listen_port} of [pacs.{self.name}] must be free, got {error.strerror}; "
                "choose another and tell the PACS"
            ) from error
        try:
            yield
        finally:
            server.shutdown()


@dataclass
class _Inbox:
    """Writes what a PACS sends; called from threads of pynetdicom, one instance at a time per association."""

    folder: Path
    most: int
    failure: OSError | None = None
    seen: dict[str, int] = field(default_factory=dict)  # SOPInstanceUID -> number

    def store(self, event: Event) -> int:
        """Handle C-STORE: write the instance as it came, undecoded, under a number."""
        number = self.seen.setdefault(str(event.file_meta.MediaStorageSOPInstanceUID), len(self.seen))
        if number >= self.most:
            return OUT_OF_RESOURCES
        try:
            (self.folder / f"{number:06d}").write_bytes(event.encoded_dataset())
        except OSError as error:
            self.failure = error
            return OUT_OF_RESOURCES
        return SUCCESS


def _entity(node: Node) -> AE:
    entity = AE(node.calling_ae_title)
    entity.connection_timeout = entity.acse_timeout = min(CONNECT_S, node.timeout_s)
    entity.dimse_timeout = entity.network_timeout = node.timeout_s
    return entity


def _storage() -> list[PresentationContext]:
    contexts = [build_context(each, PLAIN) for each in (*IMAGES, *OTHERS)]
    return contexts + [build_context(each, [syntax]) for each in IMAGES for syntax in COMPRESSED]


def _at_once(event: Event) -> None:
    """Send small messages without waiting for more: else 40 ms and more per instance (Nagle, delayed ACK)."""
    connection = event.assoc.dul.socket
    if connection and connection.socket:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _code(status: Dataset) -> int:
    if "Status" not in status:
        raise Broken("an association that broke off")
    return int(status.Status)


def _count(row: Dataset) -> int | None:
    told = text(row, "NumberOfSeriesRelatedInstances")
    return int(told) if told.isdecimal() else None
