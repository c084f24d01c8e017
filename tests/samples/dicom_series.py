"""A synthetic MR series whose voxel value is a linear function of the LPS position, so geometry can be proven."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

ROOT = "1.2.826.0.1.3680043.8.498.77"
NAME = "Testperson^Zebulon"
BIRTH_DATE, STUDY_DATE = "19530217", "20190823"
LINEAR = np.array([2.0, 3.0, 5.0])  # change of the value per mm along L, P, S
AT_ORIGIN = 3000.0


@dataclass(frozen=True)
class Stack:
    """What differs between the series of the tests; the default is a transverse T2 of 12 slices."""

    patient: str = "PAT-004711"
    study: int = 1
    number: int = 1  # of the series
    rows: int = 12
    columns: int = 10
    slices: int = 12
    spacing: tuple[float, float] = (0.9, 0.7)  # mm between rows, between columns
    step: float = 3.0  # mm between slices; negative = against the normal
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)  # degrees about L, P, S
    origin: tuple[float, float, float] = (-20.5, 13.25, -40.0)
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def directions(self) -> NDArray[np.float64]:
        """Columns: along a row, along a column, normal."""
        a, b, c = np.radians(self.turn)
        about_l = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        about_p = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        about_s = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        return about_l @ about_p @ about_s

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return f"{ROOT}.{self.study}.100"


def linear_value(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value at LPS positions [..., 3]."""
    return AT_ORIGIN + position @ LINEAR


def worst_error(array: NDArray[np.float32], affine: NDArray[np.float64]) -> float:
    """Largest difference between a voxel [slice, row, column] and the linear function at its place."""
    k, j, i = np.indices(array.shape)
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ affine.T
    return float(np.abs(array - linear_value(places[..., :3])).max())


def make_slices(stack: Stack | None = None) -> list[Dataset]:
    """Images of the series, in the order of the slices; change the list before writing it."""
    stack = stack or Stack()
    return [_slice(stack, index) for index in range(stack.slices)]


def write_slices(folder: Path, slices: list[Dataset]) -> Path:
    """Write images under names that tell nothing, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(slices):
        image.save_as(folder / f"{index:03d}", enforce_file_format=True)
    return folder


def set_value(image: Dataset, keyword: str, value: object) -> None:
    """Set an attribute, or delete it when the value is None."""
    if value is None:
        delattr(image, keyword)
    else:
        setattr(image, keyword, value)


def _slice(stack: Stack, index: int) -> Dataset:
    along_row, along_column, normal = stack.directions.T
    corner = np.array(stack.origin) + index * stack.step * normal
    row, column = np.meshgrid(np.arange(stack.rows), np.arange(stack.columns), indexing="ij")
    places = (
        corner + (row * stack.spacing[0])[..., None] * along_column + (column * stack.spacing[1])[..., None] * along_row
    )
    image = _header(stack, index)
    image.ImagePositionPatient = [format_number_as_ds(float(x)) for x in corner]
    image.ImageOrientationPatient = [format_number_as_ds(float(x)) for x in (*along_row, *along_column)]
    image.PixelSpacing = list(stack.spacing)
    stored = np.rint((linear_value(places) - stack.intercept) / stack.slope)
    image.PixelData = stored.astype("<u2").tobytes()
    return image


def _header(stack: Stack, index: int) -> Dataset:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, f"{ROOT}.{stack.study}.{stack.number}.{index + 1}.9"
    image.StudyInstanceUID, image.SeriesInstanceUID = stack.study_uid, f"{ROOT}.{stack.study}.{stack.number}.0"
    image.FrameOfReferenceUID = f"{ROOT}.{stack.study}.200"
    image.Modality, image.Manufacturer, image.ManufacturerModelName = "MR", "SIEMENS", "Skyra"
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"]
    image.PatientName, image.PatientID, image.PatientBirthDate = NAME, stack.patient, BIRTH_DATE
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = STUDY_DATE
    image.StudyTime = image.AcquisitionTime = "101112"
    image.AccessionNumber, image.ReferringPhysicianName, image.StudyID = "ACC-99123", "Referrer^Quentin", "SID-5150"
    image.SeriesDescription, image.ProtocolName = f"t2_tse_tra {NAME.split('^')[0]}", "t2_tse_tra"
    image.BodyPartExamined, image.PatientSex, image.PatientPosition = "PROSTATE", "M", "HFS"
    image.ScanningSequence, image.SequenceVariant, image.MRAcquisitionType = "SE", "SK", "2D"
    image.EchoTime, image.RepetitionTime, image.MagneticFieldStrength = 104, 5660, 3
    image.SeriesNumber, image.InstanceNumber, image.SliceThickness = stack.number, index + 1, abs(stack.step)
    image.Rows, image.Columns, image.SamplesPerPixel = stack.rows, stack.columns, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.RescaleSlope, image.RescaleIntercept = stack.slope, stack.intercept
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image
