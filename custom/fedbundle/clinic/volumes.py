"""A label map as DICOM SEG, and the volumes of its segments as a DICOM SR that refers to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbundle.clinic.findings import Target
from fedbundle.clinic.study import Study
from fedbundle.dicom.seg.dicom_out import DicomOut
from fedbundle.dicom.seg.segments import Labelled
from fedbundle.dicom.seg.write import write_segmentation
from fedbundle.dicom.sr.group import MILLILITER, VOLUME, Group, Quantity
from fedbundle.dicom.sr.write import write_report

DIGITS = 3  # of a volume in mL


def write_volumes(
    labels: NDArray[np.uint8],
    volumes_ml: Sequence[float],
    labelled: Labelled,
    study: Study,
    wanted: DicomOut,
    target: Target,
    segmentation: Path,
) -> None:
    """Write both on the grid of the bundle's input, the SR at `target.report`.

    Args:
        labels: [slice, row, column], values of the segments, on the grid of the input.
        volumes_ml: of each segment, in their order.
        labelled: what the values mean.
        study: whose input was segmented.
        wanted: input, series description and procedure of the bundle.
        target: who made it, and where.
        segmentation: file of the DICOM SEG.

    Raises:
        SegmentationError: they do not fit their source images.
        OutputError: the folder cannot be written.
    """
    sources, affine = study.headers(wanted.input), study.volume(wanted.input).affine
    made = write_segmentation(labels, affine, sources, labelled, target.model, segmentation)
    groups = [
        Group(
            label=segment.label,
            uid=str(item.TrackingUID),
            finding=segment.type,
            category=segment.category,
            quantities=(Quantity(VOLUME, round(volume_ml, DIGITS), MILLILITER),),
            segment=int(item.SegmentNumber),
        )
        for segment, volume_ml, item in zip(labelled.segments, volumes_ml, made.SegmentSequence, strict=True)
    ]
    write_report(groups, sources, made, wanted.series_description, wanted.procedure, target.model, target.report)
