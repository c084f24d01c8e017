"""A label map goes back to the PACS as binary DICOM SEG (PS3.3 A.51), written by highdicom, read back by us."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.codedict import codes

from fedbundle import __version__
from fedbundle.dicom.deid.allowed import EMPTIED
from fedbundle.dicom.geometry import Array, plane
from fedbundle.dicom.header import tolerant, value
from fedbundle.dicom.seg.read import read_segmentation
from fedbundle.dicom.seg.segments import Labelled, Segment
from fedbundle.errors import SegmentationError
from fedbundle.files import new_file

SERIES_NUMBER = 9000  # plus the number of the source series
TYPE_2 = (*EMPTIED, "PatientID", "PatientName")
PLACE_TOLERANCE = 0.25  # of a voxel; the gate lets slices lie 5 % of a step beside their place
DIRECTION_TOLERANCE = 1e-3  # per direction cosine


@dataclass(frozen=True)
class Model:
    """Who made the segments; none of it tells anything of a patient."""

    name: str
    version: str
    digest: str  # release digest, or recipe digest of a bundle that was not exported

    @property
    def serial(self) -> str:
        """The digest without the name of its algorithm, as Device Serial Number."""
        return self.digest.removeprefix("sha256:")[:64]


def write_segmentation(
    labels: NDArray[np.uint8], affine: Array, sources: Sequence[Dataset], wanted: Labelled, model: Model, path: Path
) -> Dataset:
    """Write a label map on the grid of its source series as DICOM SEG of the same patient and study.

    Each slice of the label map is matched to its source image by geometry, never by index or instance number. What was
    written is read again by `seg_read` and compared voxel by voxel before the file gets its name.

    Args:
        labels: [slice, row, column], values of `wanted.segments`; others are background.
        affine: 4x4, voxel index (column, row, slice) -> LPS mm.
        sources: headers of the source images, one per slice, in any order.
        wanted: meaning of the values.
        model: who made it.
        path: file to write.

    Returns:
        What was written, for a report that refers to it.

    Raises:
        SegmentationError: the source images are not of one patient and series, the label map does not lie on their
            grid, or does not read back the same.
        OutputError: `path` cannot be written.
    """
    check_one_patient(sources)
    order = source_order(labels.shape, affine, sources)
    masks = np.stack([labels == segment.value for segment in wanted.segments], axis=-1).astype(np.uint8)
    with tolerant():  # highdicom's and pydicom's warnings quote values of the source header
        by_slice = [completed(sources[index]) for index in order]
        made = segmentation_of(masks, by_slice, wanted, model)
        with new_file(path) as part:
            made.save_as(part)
            _check(part, labels, affine, by_slice, wanted)
    return made


def source_order(shape: Sequence[int], affine: Array, sources: Sequence[Dataset]) -> list[int]:
    """Index of the source image of each slice of a label map [slice, row, column].

    Raises:
        SegmentationError: an image lies elsewhere, is turned, has another matrix, or a slice has none or two.
    """
    if len(sources) != shape[0]:
        raise _off_grid(f"{shape[0]} slices for {len(sources)} source images")
    to_voxel = np.linalg.inv(affine)
    directions = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
    found: dict[int, int] = {}
    for index, header in enumerate(sources):
        place = plane(header)
        if place is None or (header.Rows, header.Columns) != tuple(shape[1:]):
            raise _off_grid("a source image with another matrix or without geometry")
        column, row, number = (to_voxel @ np.append(place.position, 1.0))[:3]
        turned = np.abs(directions - np.column_stack([place.along_row, place.along_column])).max()
        if max(abs(column), abs(row), abs(number - round(number))) > PLACE_TOLERANCE or turned > DIRECTION_TOLERANCE:
            raise _off_grid("a source image beside or across its slice")
        found[round(number)] = index
    if sorted(found) != list(range(shape[0])):
        raise _off_grid("slices without a source image")
    return [found[number] for number in range(shape[0])]


def segmentation_of(
    shares: NDArray[np.uint8] | NDArray[np.float32], sources: list[Dataset], wanted: Labelled, model: Model
) -> Dataset:
    """The SEG of [slice, row, column, segment]: binary where the shares are whole numbers, else fractional.

    Raises:
        SegmentationError: the source images lack an attribute that every image must have.
    """
    try:
        made: Dataset = _segmentation(shares, sources, wanted, model)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise SegmentationError(
            f"source images must have all attributes that a DICOM SEG refers to, got {type(error).__name__} "
            "from highdicom; send the series from the PACS again"
        ) from error
    return made


def _segmentation(
    shares: NDArray[np.uint8] | NDArray[np.float32], sources: list[Dataset], wanted: Labelled, model: Model
) -> Segmentation:
    made_by = highdicom.AlgorithmIdentificationSequence(
        name=model.name[:64],
        family=codes.DCM.ArtificialIntelligence,
        version=model.version[:64],
        parameters={"digest": model.digest},
    )
    described = [_described(number, segment, made_by) for number, segment in enumerate(wanted.segments, start=1)]
    binary = shares.dtype.kind == "u"
    return Segmentation(
        source_images=sources,
        pixel_array=shares,
        segmentation_type=SegmentationTypeValues.BINARY if binary else SegmentationTypeValues.FRACTIONAL,
        segment_descriptions=described,
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER + int(sources[0].get("SeriesNumber") or 0) % 1000,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="fedbundle",
        manufacturer_model_name=model.name[:64],
        software_versions=[f"fedbundle {__version__}"[:64], f"{model.name} {model.version}"[:64]],
        device_serial_number=model.serial,
        content_label=wanted.content_label,
        content_description=wanted.series_description,
        series_description=wanted.series_description,
        omit_empty_frames=bool(shares.any()),  # a SEG must have a frame, also where nothing was found
    )


def completed(header: Dataset) -> Dataset:
    """A copy in UTF-8, with what is type 2 in the patient, study and frame modules empty where the source lacks it."""
    completed = Dataset()
    for tag in header.keys():  # noqa: SIM118 -- iterating a Dataset stops at the first value that cannot be parsed
        if not tag.is_private and value(header, (tag.group, tag.element)) is not None:
            completed.add(header[tag])
    completed.add_new("SpecificCharacterSet", "CS", "ISO_IR 192")  # a new element: the source keeps its own
    for keyword in TYPE_2:
        if keyword not in completed:
            setattr(completed, keyword, "")
    return completed


def _described(number: int, segment: Segment, made_by: highdicom.AlgorithmIdentificationSequence) -> SegmentDescription:
    red, green, blue = (int(segment.color[i : i + 2], 16) for i in (1, 3, 5))
    return SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=segment.category,
        segmented_property_type=segment.type,
        algorithm_type="AUTOMATIC",
        algorithm_identification=made_by,
        tracking_uid=highdicom.UID(),
        tracking_id=segment.label,
        display_color=CIELabColor.from_rgb(red, green, blue),
    )


def _check(path: Path, labels: NDArray[np.uint8], affine: Array, sources: list[Dataset], wanted: Labelled) -> None:
    found = read_segmentation(path, labels.shape, affine)
    for number, segment in enumerate(wanted.segments, start=1):
        if not np.array_equal(found.masks.get(number, np.zeros(labels.shape, bool)), labels == segment.value):
            raise SegmentationError(
                f"segment {segment.label} must read back as it was written, got other voxels; report this as a defect"
            )
    source = sources[0]
    for keyword in ("StudyInstanceUID", "PatientID", "FrameOfReferenceUID"):
        if str(found.header.get(keyword, "")) != str(source.get(keyword, "")):
            raise SegmentationError(
                f"{keyword} of the segmentation must be that of its source, got another; report this"
            )


def check_one_patient(sources: Sequence[Dataset]) -> None:
    """The images are of one patient, study and series, a file each.

    Raises:
        SegmentationError: they are not.
    """
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        if len({str(header.get(keyword, "")) for header in sources}) != 1:
            raise SegmentationError(f"{keyword} must be one in all source images, got several; check the study")
    if len({str(header.get("SOPInstanceUID", "")) for header in sources}) != len(sources):
        raise SegmentationError(
            "source images must be files of one frame each, got a multi-frame file; send the series as such to have "
            "a segmentation of it"
        )


def _off_grid(got: str) -> SegmentationError:
    return SegmentationError(
        f"label map must lie on the grid of its source series, got {got}; "
        "the bundle's inference must save its result on the grid of its input"
    )
