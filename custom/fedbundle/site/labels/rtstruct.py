"""Read a DICOM RTSTRUCT (PS3.3 A.19, C.8.8.6): contours on the slices of an image become masks.

Convention: the patient coordinates of a contour are taken as they are, and a voxel belongs when its centre lies inside
by the even-odd rule over all contours of the structure on that slice, or on an outline (within 1/1000 voxel). So a
hole is a contour inside another. Outlines of smooth shapes give an unbiased volume; outlines that programs trace along
the outermost voxel centres of a mask give that mask back.
"""

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from fedbundle.dicom.header import MALFORMED, items, number, text
from fedbundle.dicom.pixels.polygon import Polygon, filled
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series
from fedbundle.site.labels.references import instances_of
from fedbundle.site.labels.slices import comb
from fedbundle.site.labels.structures import Bits, Structure, chosen
from fedbundle.site.refusal import RefusedError

CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
OFF_SLICE = 0.1  # of a slice step
MOST_BYTES = 2**28
MOST_POINTS = 2_000_000
FARTHEST = 100_000  # mm from the origin


def read_structure_set(path: Path, series: Series, image: Volume, wanted: dict[str, Any]) -> dict[int, Bits]:
    """Masks [slice, row, column] by value of the label set, by the convention above.

    Args:
        path: RTSTRUCT whose references fit the series.
        series: that was labelled.
        image: its volume.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_UNREADABLE, LABEL_REFERENCE, LABEL_GEOMETRY or LABEL_VALUES.
    """
    if path.stat().st_size > MOST_BYTES:
        raise RefusedError("LABEL_UNREADABLE", f"the structure set is larger than {MOST_BYTES} bytes")
    try:
        file = dcmread(path)
        structures = [_structure(item, file) for item in file.StructureSetROISequence]
        contours = {int(item.ReferencedROINumber): items(item, "ContourSequence") for item in file.ROIContourSequence}
    except Exception as error:  # hostile bytes make pydicom raise almost anything
        raise RefusedError("LABEL_UNREADABLE", f"the structure set cannot be read ({type(error).__name__})") from error
    value_of = chosen(structures, wanted)
    _check_frames(file, value_of.keys(), image)
    found = {value: np.zeros(image.array.shape, dtype=bool) for value in value_of.values()}
    known = instances_of(series)
    for roi, value in value_of.items():
        drawn = contours.get(roi, [])
        placed = _placed(drawn, image)
        strange = sum(bool(_sources(contour) - known) for contour in drawn)
        if strange:
            raise RefusedError(
                "LABEL_REFERENCE", f"{strange} of {len(drawn)} contours were drawn on images that the series lacks"
            )
        if gap := comb(set(placed)):
            raise RefusedError("LABEL_GEOMETRY", f"its contours lie {gap} slices of the image apart")
        for slice_, polygons in placed.items():
            found[value][slice_] |= filled(polygons, image.array.shape[1:])
    return found


def _structure(item: Dataset, file: Dataset) -> Structure:
    roi = int(item.ROINumber)
    codes = [
        Code(text(code, "CodeValue"), text(code, "CodingSchemeDesignator"), "")
        for seen in items(file, "RTROIObservationsSequence")
        if number(seen, "ReferencedROINumber") == roi
        for code in items(seen, "RTROIIdentificationCodeSequence")
    ]
    return Structure(roi, text(item, "ROIName"), tuple(codes))


def _check_frames(file: Dataset, regions: Collection[int], image: Volume) -> None:
    """The regions lie in the frame of reference of the image; a structure set may hold several frames."""
    frames = {
        text(item, "ReferencedFrameOfReferenceUID")
        for item in items(file, "StructureSetROISequence")
        if number(item, "ROINumber") in regions
    }
    if image.frame_of_reference_uid and frames - {"", image.frame_of_reference_uid}:
        raise RefusedError("LABEL_REFERENCE", "a region lies in another frame of reference")


def _placed(contours: list[Dataset], image: Volume) -> dict[int, list[Polygon]]:
    """Contours by slice of the image, in voxels of it."""
    placed: dict[int, list[Polygon]] = defaultdict(list)
    slices, rows, columns = image.array.shape
    to_index = np.linalg.inv(image.affine)
    lost = 0
    for points in _points(contours):
        column, row, place = (to_index @ np.column_stack([points, np.ones(len(points))]).T)[:3]
        slice_ = round(float(place.mean()))
        if np.abs(place - place.mean()).max() > OFF_SLICE:
            raise RefusedError("LABEL_GEOMETRY", "a contour does not lie in a slice of the image")
        if min(column.min(), row.min()) < -0.5 or column.max() > columns - 0.5 or row.max() > rows - 0.5:
            raise RefusedError("LABEL_GEOMETRY", "a contour runs outside the image")
        if abs(place.mean() - slice_) > OFF_SLICE or not 0 <= slice_ < slices:
            lost += 1
            continue
        placed[slice_].append(np.column_stack([column, row]))
    if any(len({polygon.tobytes() for polygon in polygons}) < len(polygons) for polygons in placed.values()):
        raise RefusedError("LABEL_GEOMETRY", "a contour stands there twice, and by the even-odd rule the two cancel")
    if lost:
        raise RefusedError("LABEL_GEOMETRY", f"{lost} of {len(contours)} contours lie on slices that the image lacks")
    return placed


def _points(contours: list[Dataset]) -> list[NDArray[np.float64]]:
    """Points (n, 3) of closed contours in LPS mm."""
    found = []
    total = 0
    for contour in contours:
        kind = text(contour, "ContourGeometricType")
        if kind not in CLOSED:
            raise RefusedError("LABEL_GEOMETRY", "a contour is not closed and planar")
        try:
            data = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
        except MALFORMED as error:
            raise RefusedError("LABEL_UNREADABLE", "a contour has points that are no numbers") from error
        total += len(data)
        if not len(data) or not (np.abs(data) < FARTHEST).all() or total > MOST_POINTS:
            raise RefusedError("LABEL_UNREADABLE", f"contours must have 1 to {MOST_POINTS} points within {FARTHEST} mm")
        found.append(data)
    return found


def _sources(contour: Dataset) -> set[str]:
    return {text(item, "ReferencedSOPInstanceUID") for item in items(contour, "ContourImageSequence")} - {""}
