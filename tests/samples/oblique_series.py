"""MR series with any geometry, as real DICOM files; the pixels count up, so a slice in the wrong place shows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

ROOT = "1.2.826.0.1.3680043.10.1234."


def rotated(*degrees: float) -> NDArray[np.float64]:
    """Rotation about x, then y, then z, by so many degrees."""
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[j, i], step[i, j] = np.sin(angle), -np.sin(angle)
        turn = step @ turn
    return turn


def oblique_series(
    slices: int = 6,
    rows: int = 24,
    columns: int = 20,
    spacing: Sequence[float] = (0.75, 0.5, 3.0),
    turn: NDArray[np.float64] | None = None,
    seed: str = "a",
    series: str = "1",
    description: str = "t2_tse_tra",
    values: NDArray[np.uint16] | None = None,
) -> list[FileDataset]:
    """Slices along the third column of `turn` (identity: transverse, feet to head).

    `spacing` is between rows, columns, slices in mm; `values` [slice, row, column] take the place of counting up.
    """
    turn = np.eye(3) if turn is None else turn
    images = []
    for index in range(slices):
        image = _slice(rows, columns, seed, series, index)
        position = np.array([-40.0, 25.5, -60.25]) + turn[:, 2] * spacing[2] * index
        image.ImagePositionPatient = [round(float(x), 6) for x in position]
        image.ImageOrientationPatient = [round(float(x), 8) for x in (*turn[:, 0], *turn[:, 1])]
        image.PixelSpacing = [spacing[0], spacing[1]]
        image.SliceThickness = image.SpacingBetweenSlices = spacing[2]
        image.SeriesDescription = description
        counted = np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns) + 100 * index
        image.PixelData = (counted if values is None else values[index]).astype("<u2").tobytes()
        images.append(image)
    return images


def write_series(folder: Path, images: list[FileDataset]) -> list[Path]:
    """Write the images under names that tell nothing, and return the paths in the order of `images`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IM{(7 * index + 3) % 101:03}" for index in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        image.save_as(path, enforce_file_format=True)
    return paths


def _slice(rows: int, columns: int, seed: str, series: str, index: int) -> FileDataset:
    image = FileDataset("", Dataset(), preamble=b"\0" * 128, file_meta=FileMetaDataset())
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = MRImageStorage
    image.SOPInstanceUID = _uid(seed, series, index)
    image.StudyInstanceUID, image.SeriesInstanceUID = _uid(seed), _uid(seed, series)
    image.FrameOfReferenceUID = _uid(seed, "frame")
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"]
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = "20190514"
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = "101500"
    image.Modality, image.Manufacturer, image.ManufacturerModelName = "MR", "SIEMENS", "Skyra"
    image.AccessionNumber, image.StudyID = "ACC7755331", "ST0815"
    image.ReferringPhysicianName = "Referrer^Rita"
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = (
        "Quillfeather^Jörg",
        "MRN-445566",
        "19480302",
        "M",
    )
    image.BodyPartExamined, image.PatientPosition, image.PositionReferenceIndicator = "PROSTATE", "HFS", ""
    image.ScanningSequence, image.SequenceVariant, image.ScanOptions, image.MRAcquisitionType = "SE", "SK", "", "2D"
    image.RepetitionTime, image.EchoTime, image.EchoTrainLength, image.MagneticFieldStrength = 5000, 101, 25, 3
    image.FlipAngle, image.EchoNumbers = 150, 1
    image.SeriesNumber, image.InstanceNumber, image.AcquisitionNumber = int(series), index + 1, 1
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = rows, columns
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.file_meta.MediaStorageSOPClassUID = MRImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image


def _uid(*parts: object) -> str:
    return str(generate_uid(prefix=ROOT, entropy_srcs=[repr(parts)]))
