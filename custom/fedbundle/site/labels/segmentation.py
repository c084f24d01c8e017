"""Read anyone's DICOM SEG (PS3.3 A.51, C.8.20) onto the voxels of an image: frame by frame, by geometry."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from fedbundle.dicom.header import MALFORMED, items, number, numbers, text
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series
from fedbundle.site.labels.references import instances_of
from fedbundle.site.labels.slices import comb
from fedbundle.site.labels.structures import Bits, Structure, chosen
from fedbundle.site.refusal import RefusedError

PLACE_TOLERANCE = 0.1  # of a voxel, at the corners of each frame
MOST_BYTES = 2**30
MOST_VOXELS = 2**31
Index = NDArray[np.int64]  # (3,): column, row, slice


def read_segmentation(path: Path, series: Series, image: Volume, wanted: dict[str, Any]) -> dict[int, Bits]:
    """Masks [slice, row, column] by value of the label set.

    Binary, fractional (at least `label.fractional_threshold` of the maximum counts) and label map segmentations. A
    frame may be a crop of a slice, and its rows may run along any axis of the image; it is placed by its position and
    directions alone. Nothing is resampled. Frames of structures that the bundle does not ask for are not read.

    Args:
        path: DICOM SEG whose references fit the series.
        series: that was labelled.
        image: its volume.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_UNREADABLE, LABEL_REFERENCE, LABEL_GEOMETRY or LABEL_VALUES.
    """
    file = _opened(path)
    try:
        value_of = chosen([_structure(item) for item in file.SegmentSequence], wanted)
    except MALFORMED as error:
        raise _unreadable(error) from error
    least = _least(file, wanted)
    found = {value: np.zeros(image.array.shape, dtype=bool) for value in value_of.values()}
    starts: set[tuple[int, ...]] = set()  # segment, and the voxel under its first pixel
    slices: set[int] = set()
    shared = file.SharedFunctionalGroupsSequence[0]
    for index, own in enumerate(file.PerFrameFunctionalGroupsSequence, start=1):
        segments = [segment for segment in _segments(file, own, shared, value_of) if segment in value_of]
        if not segments:
            continue
        _check_sources(own, series)
        frame = _frame(file, index)
        rows, columns = frame.shape
        start, right, down = _steps(own, shared, rows, columns, image)
        slices.add(int(start[(right == 0) & (down == 0)][0]))
        for segment in segments:
            if (begun := (segment, *start.tolist())) in starts:
                raise RefusedError("LABEL_GEOMETRY", "two frames of one structure lie in the same place")
            starts.add(begun)
            inside = frame == segment if _is_label_map(file) else frame >= least
            _paint(found[value_of[segment]], inside, start, right, down)
    if gap := comb(slices):
        raise RefusedError("LABEL_GEOMETRY", f"its frames lie {gap} slices of the image apart")
    return found


def _opened(path: Path) -> Any:
    """The object as highdicom reads it, with at least one frame, and not too large."""
    if path.stat().st_size > MOST_BYTES:
        raise RefusedError("LABEL_UNREADABLE", f"the segmentation is larger than {MOST_BYTES} bytes")
    try:
        file = highdicom.seg.segread(path)
        frames = len(file.PerFrameFunctionalGroupsSequence)
        voxels = int(file.Rows) * int(file.Columns) * frames
        shared = len(file.SharedFunctionalGroupsSequence)
    except Exception as error:  # hostile bytes make highdicom raise almost anything
        raise _unreadable(error) from error
    if not (frames and shared) or voxels > MOST_VOXELS:
        raise RefusedError("LABEL_UNREADABLE", f"{frames} frames with {voxels} voxels, at most {MOST_VOXELS} are read")
    return file


def _frame(file: Any, index: int) -> NDArray[Any]:
    try:
        return np.asarray(file.get_stored_frame(index))
    except Exception as error:  # as above, and whatever a decoder raises
        raise _unreadable(error) from error


def _is_label_map(file: Any) -> bool:
    return text(file, "SegmentationType").upper() == "LABELMAP"


def _segments(file: Any, own: Dataset, shared: Dataset, all_segments: Iterable[int]) -> Iterable[int]:
    """Numbers of the segments that a frame may show: one, or all in a label map."""
    if _is_label_map(file):
        return all_segments
    named = number(_group(own, shared, "SegmentIdentificationSequence"), "ReferencedSegmentNumber")
    if named is None:
        raise RefusedError("LABEL_UNREADABLE", "a frame of the segmentation names no segment")
    return [int(named)]


def _unreadable(error: Exception) -> RefusedError:
    return RefusedError("LABEL_UNREADABLE", f"the segmentation cannot be read ({type(error).__name__})")


def _structure(item: Dataset) -> Structure:
    kinds = items(item, "SegmentedPropertyTypeCodeSequence")
    codes = tuple(Code(text(kind, "CodeValue"), text(kind, "CodingSchemeDesignator"), "") for kind in kinds)
    return Structure(int(item.SegmentNumber), text(item, "SegmentLabel"), codes)


def _least(file: Dataset, wanted: dict[str, Any]) -> float:
    """Smallest stored value that counts as belonging to the segment."""
    if text(file, "SegmentationType").upper() != "FRACTIONAL":
        return 1.0
    if "fractional_threshold" not in wanted:
        raise RefusedError("LABEL_VALUES", "it is fractional, and the bundle declares no fractional_threshold")
    return float(wanted["fractional_threshold"]) * (number(file, "MaximumFractionalValue") or 255.0)


def _group(own: Dataset, shared: Dataset, name: str) -> Dataset:
    """Item of a functional group, of the frame or of all frames; empty when absent."""
    return next(iter(items(own, name) or items(shared, name)), Dataset())


def _check_sources(own: Dataset, series: Series) -> None:
    """Images that a frame was drawn on are of the series."""
    sources = {
        text(source, "ReferencedSOPInstanceUID")
        for derivation in items(own, "DerivationImageSequence")
        for source in items(derivation, "SourceImageSequence")
    } - {""}
    if strange := sources - instances_of(series):
        raise RefusedError("LABEL_REFERENCE", f"a frame was drawn on {len(strange)} images that the series lacks")


def _steps(own: Dataset, shared: Dataset, rows: int, columns: int, image: Volume) -> tuple[Index, Index, Index]:
    """Voxel (column, row, slice) of the image under the first pixel of a frame, and the steps to the right and down."""
    position = numbers(_group(own, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
    directions = numbers(_group(own, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing = numbers(_group(own, shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
    if not (position and directions and spacing):
        raise RefusedError("LABEL_GEOMETRY", "a frame lacks position, orientation or pixel spacing")
    to_index = np.linalg.inv(image.affine)
    exact = np.array(
        [
            (to_index @ [*position, 1])[:3],
            to_index[:3, :3] @ directions[:3] * spacing[1],
            to_index[:3, :3] @ directions[3:] * spacing[0],
        ]
    )
    if np.abs(exact).max() > MOST_VOXELS:
        raise RefusedError("LABEL_GEOMETRY", "a frame lies far beside the image")
    whole = np.rint(exact).astype(np.int64)
    start, right, down = whole
    if [np.abs(right).sum(), np.abs(down).sum(), np.abs(right) @ np.abs(down)] != [1, 1, 0]:
        raise RefusedError("LABEL_GEOMETRY", "pixels of a frame are no voxels of the image")
    corners = np.array([[1, column, row] for column in (0, columns - 1) for row in (0, rows - 1)])
    off = float(np.abs(corners @ (exact - whole)).max())
    if off > PLACE_TOLERANCE:
        raise RefusedError("LABEL_GEOMETRY", f"a frame lies up to {off:.2f} voxels off the grid of the image")
    return start, right, down


def _paint(mask: Bits, inside: Bits, start: Index, right: Index, down: Index) -> None:
    """Set the voxels under the pixels of a frame."""
    row, column = np.nonzero(inside)
    where = start + column[:, None] * right + row[:, None] * down  # (pixels, 3): column, row, slice of the image
    outside = int(np.count_nonzero(((where < 0) | (where >= mask.shape[::-1])).any(axis=1)))
    if outside:
        raise RefusedError("LABEL_GEOMETRY", f"{outside} pixels of a frame lie outside the image")
    mask[where[:, 2], where[:, 1], where[:, 0]] = True
