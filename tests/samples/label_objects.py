"""DICOM SEG and RTSTRUCT drawn on a synthetic series."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series

ALGORITHM = hd.AlgorithmIdentificationSequence("drawn by a test", codes.cid7162.ArtificialIntelligence, "1")


def write_seg(
    path: Path,
    series: Series,
    masks: Mapping[str, NDArray[np.generic]],
    kind: str = "BINARY",
    code: hd.sr.CodedConcept | None = None,
    **settings: object,
) -> Path:
    """A SEG by highdicom: one segment per mask [slice, row, column], named as in `masks`."""
    sources = [dcmread(file) for file in series.files]
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=code or codes.SCT.Bone,
            algorithm_type="AUTOMATIC",
            algorithm_identification=ALGORITHM,
        )
        for number, name in enumerate(masks, start=1)
    ]
    pixels = np.stack(list(masks.values()), axis=-1)
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=generate_uid(),
        series_number=90,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="a test",
        manufacturer_model_name="a test",
        software_versions="1",
        device_serial_number="1",
        **settings,
    )
    made.save_as(path)
    return path


def write_rtstruct(path: Path, series: Series, regions: Mapping[str, Sequence[NDArray[np.float64]]]) -> Path:
    """An RTSTRUCT with contours (points, 3) in LPS mm of each region."""
    file = FileDataset(str(path), {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID = RTStructureSetStorage
    file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = generate_uid()
    file.Modality, file.StudyInstanceUID, file.SeriesInstanceUID = "RTSTRUCT", series.study_uid, generate_uid()
    file.PatientID = series.first.PatientID
    images = [_item(ReferencedSOPInstanceUID=header.SOPInstanceUID) for header in series.headers]
    referenced = _item(SeriesInstanceUID=series.uid, ContourImageSequence=images)
    study = _item(ReferencedSOPInstanceUID=series.study_uid, RTReferencedSeriesSequence=[referenced])
    frame = _item(FrameOfReferenceUID=series.first.FrameOfReferenceUID, RTReferencedStudySequence=[study])
    file.ReferencedFrameOfReferenceSequence = [frame]
    file.StructureSetROISequence = [_item(ROINumber=n, ROIName=name) for n, name in enumerate(regions, start=1)]
    file.ROIContourSequence = [
        _item(ReferencedROINumber=n, ContourSequence=[_contour(points) for points in contours])
        for n, contours in enumerate(regions.values(), start=1)
    ]
    file.save_as(path, enforce_file_format=True)
    return path


def outline(image: Volume, slice_: float, corners: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """LPS mm of points given as (column, row) in a slice of the image."""
    points = np.array([[column, row, slice_, 1.0] for column, row in corners])
    return np.asarray((points @ image.affine.T)[:, :3])


def circle(image: Volume, slice_: float, centre: tuple[float, float], radius: float) -> NDArray[np.float64]:
    """A circle of `radius` voxels round (column, row), 720 points."""
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    places = np.column_stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)])
    return outline(image, slice_, [(float(column), float(row)) for column, row in places])


def _contour(points: NDArray[np.float64]) -> Dataset:
    return _item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.6f}" for value in points.ravel()],
    )


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return item
