"""The label map of a study on the voxels of its image, whatever file it came in, checked against the label set."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series
from fedbundle.site.labels.mask import read_mask
from fedbundle.site.labels.objects import CLASSES, SEGMENTATIONS, header_of, is_dicom
from fedbundle.site.labels.references import misreferred
from fedbundle.site.labels.rtstruct import read_structure_set
from fedbundle.site.labels.segmentation import read_segmentation
from fedbundle.site.labels.structures import label_map
from fedbundle.site.refusal import RefusedError


def read_label_map(files: tuple[Path, ...], series: Series, image: Volume, wanted: dict[str, Any]) -> NDArray[np.uint8]:
    """Read what labels an image and lay it on its voxels, [slice, row, column].

    Args:
        files: NIfTI, MHA, NRRD, DICOM SEG or RTSTRUCT; of several DICOM objects, the one that was drawn on the series.
        series: that the image was read from.
        image: the volume that was labelled.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_MISSING, LABEL_UNREADABLE, LABEL_REFERENCE, LABEL_GEOMETRY, LABEL_OVERLAP or LABEL_VALUES.
    """
    for path in files:
        if not path.is_file():
            raise RefusedError(
                "LABEL_MISSING", "no file where the labels say its mask is; paths are relative to the CSV"
            )
    with tolerant():
        if all(map(is_dicom, files)):
            path, kind = _belonging(files, series, image)
            read = read_segmentation if kind in SEGMENTATIONS else read_structure_set
            return _checked(label_map(read(path, series, image, wanted), wanted), wanted)
    return _checked(read_mask(files[0], image), wanted)


def _belonging(files: tuple[Path, ...], series: Series, image: Volume) -> tuple[Path, str]:
    """The one object that was drawn on the series, and its SOP class."""
    fitting, reasons = [], []
    for path in files:
        header = header_of(path)
        kind = "" if header is None else text(header, "SOPClassUID")
        if header is None or kind not in CLASSES or not text(header, "StudyInstanceUID"):
            raise RefusedError("LABEL_UNREADABLE", "the mask is DICOM, but no whole segmentation or structure set")
        reason = misreferred(header, series, image.frame_of_reference_uid)
        if reason:
            reasons.append(reason)
        else:
            fitting.append((path, kind))
    if len(fitting) > 1:
        raise RefusedError("LABEL_REFERENCE", f"{len(fitting)} objects label the chosen series; name one in a CSV")
    if not fitting:
        raise RefusedError("LABEL_REFERENCE", f"not drawn on the chosen series: {reasons[0]}")
    return fitting[0]


def fault_of(found: NDArray[np.generic], wanted: dict[str, Any]) -> str:
    """What of a label map is not as `label` of configs/ingest.json says; empty when every value is of the label set.

    The required ones must be there too.
    """
    known = {int(value) for value in wanted["values"]}
    present = {float(value) for value in np.unique(found)}
    if not present <= known:
        strange = sorted(present - known)
        return f"{len(strange)} values outside the label set, the first is {strange[0]:g}"
    lacking = {int(value) for value in wanted.get("required", ())} - present
    return f"no voxel of {', '.join(wanted['values'][str(v)] for v in sorted(lacking))}" if lacking else ""


def _checked(found: NDArray[np.generic], wanted: dict[str, Any]) -> NDArray[np.uint8]:
    """Every value is of the label set, and the required ones are there."""
    if fault := fault_of(found, wanted):
        raise RefusedError("LABEL_VALUES", fault)
    return found.astype(np.uint8)
