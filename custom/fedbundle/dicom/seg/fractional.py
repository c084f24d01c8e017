"""Maps from 0 to 1 go back to the PACS as fractional DICOM SEG (PS3.3 C.8.20.2.3), written by highdicom, read by us.

DICOM has two meanings of a fraction, probability and occupancy, and a residual is neither. The SEG is written with
highdicom's default, PROBABILITY; the label of each segment and the series description say what it is.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.header import tolerant
from fedbundle.dicom.seg.read import group_of, place_of
from fedbundle.dicom.seg.segments import Labelled
from fedbundle.dicom.seg.write import Model, check_one_patient, completed, segmentation_of, source_order
from fedbundle.errors import SegmentationError
from fedbundle.files import new_file

STEPS = 255  # Maximum Fractional Value


def write_fractional(
    maps: NDArray[np.float32], affine: Array, sources: Sequence[Dataset], wanted: Labelled, model: Model, path: Path
) -> Dataset:
    """Write one map per segment on the grid of its source series, of the same patient and study.

    Args:
        maps: [segment, slice, row, column], 0 to 1, in the order of `wanted.segments`; written in steps of 1/255.
        affine: 4x4, voxel index (column, row, slice) -> LPS mm.
        sources: headers of the source images, one per slice, in any order.
        wanted: meaning of the maps.
        model: who made them.
        path: file to write.

    Raises:
        SegmentationError: the source images are not of one patient and series, the maps do not lie on their grid, hold
            other values, or do not read back the same.
        OutputError: `path` cannot be written.
    """
    if not 0 <= maps.min() <= maps.max() <= 1:
        raise SegmentationError(
            f"maps of a fractional SEG must lie from 0 to 1, got {maps.min():g} to {maps.max():g}; scale them"
        )
    check_one_patient(sources)
    order = source_order(maps.shape[1:], affine, sources)
    with tolerant():  # warnings quote values of the source header
        made = segmentation_of(np.moveaxis(maps, 0, -1), [completed(sources[index]) for index in order], wanted, model)
        with new_file(path) as part:
            made.save_as(part)
            if np.abs(read_fractional(part, maps.shape, affine) - maps).max() > 0.6 / STEPS:
                raise SegmentationError("maps must read back as they were written, got others; report this as a defect")
    return made


def read_fractional(path: Path, shape: Sequence[int], affine: Array) -> NDArray[np.float32]:
    """Maps [segment, slice, row, column] of a fractional SEG on a grid; 0 where it has no frame.

    Raises:
        SegmentationError: another kind of object, or a frame that does not lie on the grid.
    """
    file = dcmread(path)
    if file.get("SegmentationType") != "FRACTIONAL":
        raise SegmentationError("segmentation must be a fractional DICOM SEG, got another object; convert it")
    maps = np.zeros(shape, np.float32)
    frames = file.pixel_array.reshape(-1, int(file.Rows), int(file.Columns)) / float(file.MaximumFractionalValue)
    shared = file.SharedFunctionalGroupsSequence[0]
    for own, frame in zip(file.PerFrameFunctionalGroupsSequence, frames, strict=True):
        number = int(group_of(own, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        maps[number - 1][place_of(own, shared, frame.shape, shape[1:], affine)] = frame
    return maps
