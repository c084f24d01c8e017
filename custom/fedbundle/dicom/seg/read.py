"""Read a binary DICOM SEG onto a grid, frame by frame and by geometry (PS3.3 C.8.20); apart from what wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import SegmentationStorage

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.header import MALFORMED
from fedbundle.errors import SegmentationError

PLACE_TOLERANCE = 0.25  # of a voxel
DIRECTION_TOLERANCE = 1e-3  # per direction cosine
SPACING_TOLERANCE = 1e-3  # relative


@dataclass(frozen=True, eq=False)
class Masks:
    """A segmentation on a grid."""

    masks: dict[int, NDArray[np.bool_]]  # segment number -> [slice, row, column]
    header: Dataset  # of the file


def read_segmentation(path: Path, shape: Sequence[int], affine: Array) -> Masks:
    """Place every frame of a binary SEG on a grid; a frame may be a crop of a slice, as other vendors write it.

    Args:
        path: DICOM SEG, native transfer syntax.
        shape: slices, rows, columns of the grid.
        affine: 4x4, voxel index (column, row, slice) of the grid -> LPS mm.

    Raises:
        SegmentationError: another kind of object, damaged, or a frame that does not lie on the grid.
    """
    try:
        file = dcmread(path)
        if file.SOPClassUID != SegmentationStorage or file.SegmentationType != "BINARY":
            raise SegmentationError("segmentation must be a binary DICOM SEG, got another object; convert it")
        masks = {int(item.SegmentNumber): np.zeros(shape, dtype=bool) for item in file.SegmentSequence}
        frames = _frames(file)
        shared = file.SharedFunctionalGroupsSequence[0]
        for own, frame in zip(file.PerFrameFunctionalGroupsSequence, frames, strict=True):
            number = int(group_of(own, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)
            masks[number][place_of(own, shared, frame.shape, shape, affine)] |= frame
    except MALFORMED as error:
        raise SegmentationError(
            f"segmentation must be a whole DICOM SEG, got {type(error).__name__} reading it; make it again"
        ) from error
    return Masks(masks, file)


def _frames(file: Dataset) -> NDArray[np.bool_]:
    """[frame, row, column]; frames follow each other without padding, least significant bit first (PS3.5 8.1.1)."""
    shape = (int(file.NumberOfFrames), int(file.Rows), int(file.Columns))
    bits = np.unpackbits(np.frombuffer(file.PixelData, dtype=np.uint8), bitorder="little")
    return bits[: int(np.prod(shape))].reshape(shape).astype(bool)


def group_of(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """Item of a functional group of one frame, or of all."""
    item: Dataset = (own if keyword in own else shared)[keyword].value[0]
    return item


def place_of(
    own: Dataset, shared: Dataset, frame: Sequence[int], shape: Sequence[int], affine: Array
) -> tuple[int, slice, slice]:
    """Where a frame lies in the grid [slice, row, column]."""
    position = np.array(group_of(own, shared, "PlanePositionSequence").ImagePositionPatient, dtype=np.float64)
    directions = np.array(group_of(own, shared, "PlaneOrientationSequence").ImageOrientationPatient, dtype=np.float64)
    spacing = np.array(group_of(own, shared, "PixelMeasuresSequence").PixelSpacing, dtype=np.float64)
    lengths = np.linalg.norm(affine[:3, :2], axis=0)  # mm between columns, between rows
    grid = (affine[:3, :2] / lengths).T.ravel()
    where = (np.linalg.inv(affine) @ np.append(position, 1.0))[:3]
    column, row, number = np.rint(where).astype(int).tolist()
    fits = (
        np.abs(where - np.rint(where)).max() <= PLACE_TOLERANCE
        and np.abs(directions - grid).max() <= DIRECTION_TOLERANCE
        and np.abs(spacing[::-1] / lengths - 1).max() <= SPACING_TOLERANCE
        and 0 <= number < shape[0]
        and 0 <= row <= row + frame[0] <= shape[1]
        and 0 <= column <= column + frame[1] <= shape[2]
    )
    if not fits:
        raise SegmentationError("frames of the segmentation must lie on the grid, got one beside it; resample first")
    return number, slice(row, row + frame[0]), slice(column, column + frame[1])
