"""A label map: volumes of its segments, outlines on the slices, DICOM SEG and SR."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.clinic.findings import SEG_SUFFIX, SR_SUFFIX, Findings, Target
from fedbundle.clinic.inference import read_map, the_one
from fedbundle.clinic.measure import Measured, doubts, measure
from fedbundle.clinic.pictures import pictures
from fedbundle.clinic.slices_shown import image_numbers, legend, shown
from fedbundle.clinic.study import Study
from fedbundle.clinic.volumes import DIGITS, write_volumes
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import SegmentationOut
from fedbundle.errors import PredictionError


@dataclass(frozen=True, eq=False)
class Segmentation(Findings):
    """Segments of a label map."""

    kind = "segmentation"
    wanted: SegmentationOut
    study: Study
    labels: NDArray[np.uint8]  # [slice, row, column]
    segments: tuple[Measured, ...]
    total: Measured | None

    @classmethod
    def read(cls, output: Path, study: Study, wanted: SegmentationOut) -> "Segmentation":
        """Read the label map that inference saved.

        Raises:
            PredictionError: there is none, or it holds other values.
            SegmentationError: it is not on the grid of its input.
        """
        volume = study.volume(wanted.input)
        labels = read_label_map(the_one(output, "*.nii.gz", "label map"), volume, wanted)
        segments, total = measure(volume, labels, wanted)
        return cls(wanted, study, labels, tuple(segments), total)

    @property
    def volume(self) -> Volume:
        """The image."""
        return self.study.volume(self.wanted.input)

    @property
    def headline(self) -> str:
        """Volumes."""
        return ", ".join(f"{segment.label} {segment.volume_ml:.1f} mL" for segment in self.segments)

    @property
    def doubts(self) -> Sequence[str]:
        """What `measure.doubts` finds."""
        return doubts(self.volume, self.labels, self.wanted)

    @property
    def colors(self) -> Sequence[str]:
        """Of the segments."""
        return [segment.color for segment in self.segments]

    @property
    def limits(self) -> str:
        """Of volumes."""
        return (
            "A volume is the number of voxels times their size. It has no confidence interval, and an outline that "
            "looks smooth can be wrong. The DICOM segmentation beside this page was read back: it has the same voxels "
            "at the same place as the pictures."
        )

    def data(self) -> dict[str, Any]:
        """Segments and total."""
        codes = [segment.type for segment in self.wanted.labelled.segments]
        return {
            "segments": [
                _told(measured)
                | {"code": {"value": code.value, "scheme": code.scheme_designator, "meaning": code.meaning}}
                for measured, code in zip(self.segments, codes, strict=True)
            ],
            "total": _told(self.total) if self.total else None,
        }

    def summary(self) -> str:
        """A card for each volume."""
        cards = [_card(measured, f"s{number}") for number, measured in enumerate(self.segments, start=1)]
        if self.total:
            cards.insert(0, _card(self.total, ""))
        return f'<ul class="cards">{"".join(cards)}</ul>'

    def pictures(self) -> str:
        """Outlines on the slices."""
        numbers = image_numbers(self.study, self.wanted.input)
        drawn = pictures(self.volume, self.labels, self.wanted.mask_colors)
        return f"{legend([segment.label for segment in self.segments])}{shown(drawn, numbers)}"

    def objects(self) -> Sequence[str]:
        """SEG and SR."""
        return SEG_SUFFIX, SR_SUFFIX

    def write(self, target: Target) -> None:
        """SEG on the grid of its source, and SR that refers to it."""
        wanted, volumes_ml = self.wanted, [measured.volume_ml for measured in self.segments]
        write_volumes(self.labels, volumes_ml, wanted.labelled, self.study, wanted, target, target.segmentation)


def read_label_map(path: Path, volume: Volume, wanted: SegmentationOut) -> NDArray[np.uint8]:
    """Label map [slice, row, column], if it lies on the grid of `volume` and holds values of `wanted` only.

    Raises:
        PredictionError: unreadable, or other values.
        SegmentationError: another grid.
    """
    values = read_map(path, volume)
    allowed = [0, *(segment.value for segment in wanted.labelled.segments)]
    if not np.isin(values, allowed).all():
        raise PredictionError(
            f"label map of the bundle must hold {allowed} only, got other values; mend dicom_out.json"
        )
    return values.astype(np.uint8)


def _told(measured: Measured) -> dict[str, Any]:
    return {
        "label": measured.label,
        "volume_ml": round(measured.volume_ml, DIGITS),
        "voxels": measured.voxels,
        "slices": measured.slices,
    }


def _card(measured: Measured, segment: str) -> str:
    swatch = f'<span class="swatch {segment}"></span>' if segment else ""
    slices = f"{measured.slices} slice{'' if measured.slices == 1 else 's'}"
    return (
        f"<li>{swatch}{escape(measured.label)}"
        f'<strong>{measured.volume_ml:.1f} <span class="unit">mL</span></strong><small>on {slices}</small></li>'
    )
