"""Synthetic studies as DICOM files, whatever the modality: patient, study, machine, UIDs, and all that could leak."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

Private = tuple[int, str, tuple[tuple[int, str, str | float], ...]]
"""A private block: group, creator, ((element offset, VR, value), ...)."""


@dataclass(frozen=True)
class Machine:
    """What made a series: vendor, place, and how it writes text."""

    manufacturer: str
    model: str
    software: str
    serial: str
    station: str
    institution: str
    charset: str
    private: tuple[Private, ...]


@dataclass(frozen=True)
class Person:
    """An invented patient."""

    name: str
    former_name: str
    identifier: str
    birth_date: str
    age_years: int
    height_m: float
    weight_kg: float
    sex: str = "M"


@dataclass(frozen=True)
class Exam:
    """One study of one person; `uids` is the seed text of all its UIDs."""

    person: Person
    uids: str
    date: str
    start_s: int
    """Seconds after midnight."""
    accession: str
    description: str
    body_part: str
    """Body Part Examined (0018,0015)."""

    def uid(self, *part: object) -> UID:
        """A UID of this exam, the same in each run."""
        return derived_uid(self.uids, *part)

    def clock(self, seconds: float) -> str:
        """DICOM TM some seconds after the start."""
        whole = int(self.start_s + seconds)
        return f"{whole // 3600:02}{whole // 60 % 60:02}{whole % 60:02}.000000"


def derived_uid(*part: object) -> UID:
    """A UID made from a UUID (PS3.5 B.2) that is made from text: the same text, the same UID."""
    text = "\0".join(map(str, part)).encode()
    return UID(f"2.25.{UUID(bytes=hashlib.sha256(text).digest()[:16], version=5).int}")


def plain(description: str) -> str:
    """A series description as part of a folder's name."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in description)


def series_header(exam: Exam, machine: Machine, modality: str, storage: UID, number: int, start_s: float) -> Dataset:
    """What every series of any modality tells: Patient, General Study, General Series, General Equipment, SOP Common.

    Args:
        exam: the study.
        machine: what made this series.
        modality: Modality (0008,0060).
        storage: SOP Class UID.
        number: Series Number, of which the Series Instance UID is made.
        start_s: Series Time, seconds after the start of the exam.
    """
    person = exam.person
    d = Dataset()
    d.SpecificCharacterSet = machine.charset
    d.SOPClassUID, d.Modality = storage, modality
    d.InstanceCreationDate = d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = exam.date
    d.StudyTime = exam.clock(0)
    d.SeriesTime = d.InstanceCreationTime = exam.clock(start_s)
    d.SeriesInstanceUID, d.SeriesNumber = exam.uid(number), number
    d.AccessionNumber = exam.accession
    d.Manufacturer, d.ManufacturerModelName = machine.manufacturer, machine.model
    d.SoftwareVersions, d.DeviceSerialNumber = machine.software, machine.serial
    d.StationName, d.InstitutionName = machine.station, machine.institution
    d.InstitutionAddress = "1 Invented Street, Nowhere"
    d.InstitutionalDepartmentName = "Radiology"
    d.ReferringPhysicianName = "PHANTOM^Referrer^^Dr"
    d.PerformingPhysicianName = "PHANTOM^Radiologist^^Dr"
    d.OperatorsName = "PHANTOM^Radiographer"
    d.StudyDescription = exam.description
    d.PatientName, d.PatientID = person.name, person.identifier
    d.PatientBirthDate, d.PatientSex = person.birth_date, person.sex
    d.PatientAge = f"{person.age_years:03}Y"
    d.PatientSize, d.PatientWeight = f"{person.height_m:.2f}", f"{person.weight_kg:.1f}"
    d.PatientComments = f"Synthetic patient, formerly {person.former_name.replace('^', ' ')}"
    d.StudyInstanceUID, d.StudyID = exam.uid("study"), exam.accession[-6:]
    d.BodyPartExamined = exam.body_part
    d.OriginalAttributesSequence = Sequence([_correction(exam, machine)])
    d.RequestAttributesSequence = Sequence([_request(exam)])
    for group, creator, elements in machine.private:
        block = d.private_block(group, creator, create=True)
        for offset, vr, value in elements:
            block.add_new(offset, vr, value)
    own = d.private_block(0x0011, "FEDBUNDLE PHANTOM", create=True)
    own.add_new(0x01, "LO", f"{person.name} {person.birth_date}")
    own.add_new(0x02, "LO", person.identifier)
    return d


def write_instances(folder: Path, header: Dataset, instances: Iterable[Dataset]) -> int:
    """Write each instance as `<instance number>.dcm` into a new folder; returns the number of files.

    `header`, which all share, is encoded once: pydicom needs 3 ms for a whole header. What an instance says of an
    element goes before what the header says.

    Args:
        folder: does not exist yet.
        header: with its SOP Class UID.
        instances: each with SOP Instance UID, Instance Number and Pixel Data.
    """
    folder.mkdir(parents=True)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = header.SOPClassUID, ExplicitVRLittleEndian
    meta.ImplementationClassUID = derived_uid("fedbundle phantom")
    meta.ImplementationVersionName = "FEDBUNDLE_PHANT"
    encodings = convert_encodings(header.get("SpecificCharacterSet", "ISO_IR 6"))
    shared = _encoded(header, encodings)
    files = 0
    for own in instances:
        meta.MediaStorageSOPInstanceUID = own.SOPInstanceUID
        elements = sorted({**shared, **_encoded(own, encodings)}.items())
        start = _buffer()
        write_file_meta_info(start, meta)
        content = b"".join((b"\0" * 128, b"DICM", start.getvalue(), *(value for _, value in elements)))
        (folder / f"{own.InstanceNumber:04}.dcm").write_bytes(content)
        files += 1
    return files


def _encoded(dataset: Dataset, encodings: list[str]) -> dict[int, bytes]:
    """Each element's bytes in Explicit VR Little Endian (PS3.5 7.1.2), by tag."""
    parts = {}
    for element in dataset:
        buffer = _buffer()
        write_data_element(buffer, element, encodings)
        parts[int(element.tag)] = buffer.getvalue()
    return parts


def _buffer() -> DicomBytesIO:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    return buffer


def _correction(exam: Exam, machine: Machine) -> Dataset:
    """A change of name that the archive has recorded: a name two levels down (PS3.3 C.12.1)."""
    former = Dataset()
    former.PatientName, former.PatientID = exam.person.former_name, exam.person.identifier
    item = Dataset()
    item.SourceOfPreviousValues = machine.institution
    item.AttributeModificationDateTime = exam.date + exam.clock(3600)
    item.ModifyingSystem = "PHANTOM_PACS"
    item.ReasonForTheAttributeModification = "CORRECT"
    item.ModifiedAttributesSequence = Sequence([former])
    return item


def _request(exam: Exam) -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepDescription = exam.description
    item.ScheduledProcedureStepID = exam.accession
    item.RequestedProcedureID = exam.accession
    item.RequestedProcedureDescription = f"{exam.description} {exam.person.identifier}"
    return item
