"""Synthetic MR studies as DICOM files (PS3.3 A.4, MR Image IOD), with everything a real one could leak."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.mr_image import Acquisition


@dataclass(frozen=True)
class Scanner:
    """A machine and how its vendor fills the header."""

    manufacturer: str
    model: str
    software: str
    serial: str
    station: str
    institution: str
    charset: str
    bits: int
    slope: float | None
    """Rescale Slope (0028,1053); None = the vendor writes none."""
    image_type: tuple[str, ...]
    sequence_name: str
    variant: tuple[str, ...]
    private: tuple[tuple[int, str, tuple[tuple[int, str, str | float], ...]], ...]
    """Private blocks: (group, creator, ((element offset, VR, value), ...))."""


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


@dataclass(frozen=True)
class Exam:
    """One study of one person on one scanner; `uids` is the seed text of all its UIDs."""

    scanner: Scanner
    person: Person
    uids: str
    date: str
    start_s: int
    """Seconds after midnight."""
    accession: str
    description: str

    def uid(self, *part: object) -> UID:
        """A UID of this exam, the same in each run."""
        return derived_uid(self.uids, *part)

    def clock(self, seconds: float) -> str:
        """DICOM TM some seconds after the start."""
        whole = int(self.start_s + seconds)
        return f"{whole // 3600:02}{whole // 60 % 60:02}{whole % 60:02}.000000"


@dataclass(frozen=True)
class Series:
    """One series of an exam; `grids` holds one grid, or one grid a slice where the orientation changes."""

    number: int
    start_s: int
    """Seconds after the start of the exam."""
    description: str
    acquisition: Acquisition
    grids: tuple[Grid, ...]
    image_type: tuple[str, ...] | None = None
    reverse_numbers: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


def derived_uid(*part: object) -> UID:
    """A UID made from a UUID (PS3.5 B.2) that is made from text: the same text, the same UID."""
    text = "\0".join(map(str, part)).encode()
    return UID(f"2.25.{UUID(bytes=hashlib.sha256(text).digest()[:16], version=5).int}")


def printable(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine that remains when direction and position are written as decimal strings (6 and 9 decimals)."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    rounded = affine.copy()
    rounded[:3, :3] = np.round(affine[:3, :3] / steps, 9) * steps
    rounded[:3, 3] = np.round(affine[:3, 3], 6)
    return rounded


def write_series(folder: Path, exam: Exam, series: Series, stored: NDArray[np.uint16]) -> int:
    """Write `stored` [slice, row, column] as `<instance number>.dcm`; returns the number of files.

    What all slices share is encoded once: pydicom needs 3 ms for a whole header.
    """
    folder.mkdir(parents=True)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
    meta.ImplementationClassUID = derived_uid("fedbundle phantom")
    meta.ImplementationVersionName = "FEDBUNDLE_PHANT"
    header = _study(exam)
    _add_series(header, exam, series)
    low, high = (round(float(value)) for value in np.percentile(stored[:, ::4, ::4], (1, 99)))
    header.WindowCenter, header.WindowWidth = str((low + high) // 2), str(max(high - low, 1))
    shared = _encoded(header)
    for index, pixels in enumerate(stored):
        number = len(stored) - index if series.reverse_numbers else index + 1
        own = Dataset()
        own.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = exam.uid(series.number, number)
        own.ContentTime = own.AcquisitionTime = exam.clock(series.start_s + number)
        own.InstanceNumber = number
        _place(own, series.grids[index % len(series.grids)], index // len(series.grids))
        own.add_new("PixelData", "OW", pixels.tobytes())
        elements = sorted({**shared, **_encoded(own)}.items())
        start = _buffer()
        write_file_meta_info(start, meta)
        content = b"".join((b"\0" * 128, b"DICM", start.getvalue(), *(value for _, value in elements)))
        (folder / f"{number:04}.dcm").write_bytes(content)
    return len(stored)


def _encoded(dataset: Dataset) -> dict[int, bytes]:
    """Each element's bytes in Explicit VR Little Endian (PS3.5 7.1.2), by tag."""
    encodings = convert_encodings(dataset.get("SpecificCharacterSet", "ISO_IR 6"))
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


def _study(exam: Exam) -> Dataset:
    scanner, person = exam.scanner, exam.person
    d = Dataset()
    d.SpecificCharacterSet = scanner.charset
    d.SOPClassUID = MRImageStorage
    d.InstanceCreationDate = d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = exam.date
    d.StudyTime = exam.clock(0)
    d.AccessionNumber = exam.accession
    d.Modality = "MR"
    d.Manufacturer, d.ManufacturerModelName = scanner.manufacturer, scanner.model
    d.SoftwareVersions, d.DeviceSerialNumber = scanner.software, scanner.serial
    d.StationName, d.InstitutionName = scanner.station, scanner.institution
    d.InstitutionAddress = "1 Invented Street, Nowhere"
    d.InstitutionalDepartmentName = "Radiology"
    d.ReferringPhysicianName = "PHANTOM^Referrer^^Dr"
    d.PerformingPhysicianName = "PHANTOM^Radiologist^^Dr"
    d.OperatorsName = "PHANTOM^Radiographer"
    d.StudyDescription = exam.description
    d.PatientName, d.PatientID = person.name, person.identifier
    d.PatientBirthDate, d.PatientSex = person.birth_date, "M"
    d.PatientAge = f"{person.age_years:03}Y"
    d.PatientSize, d.PatientWeight = f"{person.height_m:.2f}", f"{person.weight_kg:.1f}"
    d.PatientComments = f"Synthetic patient, formerly {person.former_name.replace('^', ' ')}"
    d.StudyInstanceUID, d.StudyID = exam.uid("study"), exam.accession[-6:]
    d.FrameOfReferenceUID, d.PositionReferenceIndicator = exam.uid("frame"), ""
    d.PatientPosition = "FFS"
    d.BodyPartExamined = "PROSTATE"
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, scanner.bits, scanner.bits - 1
    if scanner.slope is not None:
        d.RescaleIntercept, d.RescaleSlope, d.RescaleType = "0", f"{scanner.slope:.9g}", "US"
    d.OriginalAttributesSequence = Sequence([_correction(exam)])
    d.RequestAttributesSequence = Sequence([_request(exam)])
    for group, creator, elements in scanner.private:
        block = d.private_block(group, creator, create=True)
        for offset, vr, value in elements:
            block.add_new(offset, vr, value)
    own = d.private_block(0x0011, "FEDBUNDLE PHANTOM", create=True)
    own.add_new(0x01, "LO", f"{person.name} {person.birth_date}")
    own.add_new(0x02, "LO", person.identifier)
    return d


def _correction(exam: Exam) -> Dataset:
    """A change of name that the archive has recorded: a name two levels down (PS3.3 C.12.1)."""
    former = Dataset()
    former.PatientName, former.PatientID = exam.person.former_name, exam.person.identifier
    item = Dataset()
    item.SourceOfPreviousValues = exam.scanner.institution
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


def _add_series(d: Dataset, exam: Exam, series: Series) -> None:
    scanner, acquisition = exam.scanner, series.acquisition
    grid = series.grids[0]
    d.SamplesPerPixel, d.PhotometricInterpretation, d.PixelRepresentation = 1, "MONOCHROME2", 0
    d.Rows, d.Columns = grid.shape[1:]
    d.SeriesInstanceUID = exam.uid(series.number)
    d.SeriesNumber = series.number
    d.SeriesDescription = d.ProtocolName = series.description
    d.SeriesTime = d.InstanceCreationTime = exam.clock(series.start_s)
    d.ImageType = list(series.image_type or scanner.image_type)
    d.AcquisitionNumber = 1
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions = "SE", list(scanner.variant), ""
    d.SequenceName, d.MRAcquisitionType, d.AngioFlag = scanner.sequence_name, "2D", "N"
    d.RepetitionTime, d.EchoTime = f"{acquisition.repetition_ms:g}", f"{acquisition.echo_ms:g}"
    d.EchoTrainLength, d.EchoNumbers, d.FlipAngle, d.NumberOfAverages = 25, 1, "150", "2"
    d.MagneticFieldStrength = f"{acquisition.field_tesla:g}"
    d.ImagingFrequency, d.ImagedNucleus = f"{acquisition.field_tesla * 42.577:.3f}", "1H"
    d.PixelBandwidth, d.PercentSampling = "200", f"{100 * acquisition.resolution:g}"
    d.AcquisitionMatrix = [0, grid.shape[1], grid.shape[2], 0]
    d.InPlanePhaseEncodingDirection = "ROW"
    d.SliceThickness = f"{grid.thickness_mm:g}"
    d.SpacingBetweenSlices = f"{np.linalg.norm(grid.affine[:3, 2]):.6g}"
    for keyword, value in series.extra.items():
        setattr(d, keyword, value)


def _place(d: Dataset, grid: Grid, index: int) -> None:
    steps = np.linalg.norm(grid.affine[:3, :3], axis=0)
    row, column = grid.affine[:3, 0] / steps[0], grid.affine[:3, 1] / steps[1]
    corner = grid.affine[:3, 3] + index * grid.affine[:3, 2]
    d.ImageOrientationPatient = [f"{value:.9f}" for value in (*row, *column)]
    d.ImagePositionPatient = [f"{value:.6f}" for value in corner]
    d.SliceLocation = f"{corner @ np.cross(row, column):.4f}"
    d.PixelSpacing = [f"{steps[1]:.6g}", f"{steps[0]:.6g}"]
