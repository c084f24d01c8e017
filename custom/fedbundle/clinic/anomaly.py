"""Residuals by sign: fractional DICOM SEG; of what lies above the site's thresholds, the binary one and an SR."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbundle.clinic.findings import SEG_SUFFIX, SR_SUFFIX, Findings, Target
from fedbundle.clinic.inference import read_map, the_one
from fedbundle.clinic.residual_pictures import Maps, triples
from fedbundle.clinic.slices_shown import image_numbers
from fedbundle.clinic.study import Study
from fedbundle.clinic.volumes import DIGITS, write_volumes
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import AnomalyOut
from fedbundle.dicom.seg.fractional import write_fractional
from fedbundle.dicom.seg.segments import Labelled, Segment
from fedbundle.errors import InputError, PredictionError
from fedbundle.files import read_json
from fedbundle.page import picture

THRESHOLD_SUFFIX = ".threshold" + SEG_SUFFIX
DARK = 2  # 1 is bright
LEAST_OUTSIDE = 0.005  # share of the brain; less is the ragged edge of a resampled one
FAR = 5.0  # times the stated rate: more of the brain than that asks for a second look
TOLD = (
    "From the left: the image; the same slice as the network restores it, having seen healthy brains only; the "
    "residual, red where the image is brighter, blue where it is darker. Outlines show what lies above the site's "
    "thresholds. The patient's right is at the left edge of each picture."
)


@dataclass(frozen=True, eq=False)
class Anomaly(Findings):
    """What differs from healthy scans, by sign."""

    kind = "anomaly"
    wanted: AnomalyOut
    study: Study
    maps: Maps
    field: NDArray[np.bool_]  # where the network looked
    thresholds: Mapping[str, float]  # residual by sign; empty where no site has set them
    rate: float  # stated share of healthy voxels above the thresholds

    @classmethod
    def read(cls, output: Path, study: Study, wanted: AnomalyOut) -> "Anomaly":
        """Read the maps and limits that inference saved.

        Raises:
            PredictionError: one is absent, or holds other values.
            SegmentationError: a map is not on the grid of its input.
        """
        volume = study.volume(wanted.input)
        restored, bright, dark = (
            read_map(the_one(output, f"*_{name}.nii.gz", f"{name} map"), volume)
            for name in ("reconstruction", "bright", "dark")
        )
        thresholds, rate = _thresholds(the_one(output, "*_limits.json", "file of limits"))
        field = _whole(output, "field", volume, 1) > 0
        labels = np.zeros(bright.shape, np.uint8)
        if thresholds:
            labels = _whole(output, "above", volume, DARK) * (volume.array > 0)
        return cls(wanted, study, Maps(restored, bright - dark, labels), field, thresholds, rate)

    @property
    def volume(self) -> Volume:
        """The image."""
        return self.study.volume(self.wanted.input)

    @property
    def segments(self) -> tuple[Segment, Segment]:
        """Bright and dark."""
        return self.wanted.bright, self.wanted.dark

    def above_ml(self, value: int) -> float:
        """Volume above the threshold of a sign."""
        return float((self.maps.labels == value).sum() * np.prod(self.volume.spacing) / 1000)

    def share(self, value: int) -> float:
        """Share of the brain above the threshold of a sign."""
        return self._of_brain(self.maps.labels == value)

    @property
    def outside(self) -> float:
        """Share of the brain outside the field of the network, where nothing is looked for."""
        return self._of_brain(~self.field)

    def _of_brain(self, mask: NDArray[np.bool_]) -> float:
        """Share of the brain of the image that lies in a mask."""
        brain = self.volume.array > 0
        return float((mask & brain).sum() / brain.sum()) if brain.any() else 0.0

    @property
    def headline(self) -> str:
        """Volumes above the thresholds."""
        if not self.thresholds:
            return "residual alone, since the weights carry no threshold of a site"
        return ", ".join(
            f"{each.label.lower()} {self.above_ml(each.value):.1f} mL above the threshold" for each in self.segments
        )

    @property
    def doubts(self) -> Sequence[str]:
        """A brain that is cut, no threshold, or far more above it than on healthy scans."""
        cut = []
        if self.outside > LEAST_OUTSIDE:
            cut = [
                f"{self.outside:.1%} of the brain lies outside the field of the network: nothing was looked for there. "
                "Is that all brain, and of one head?"
            ]
        if not self.thresholds:
            return [
                *cut,
                "The weights carry no threshold of a site: nothing tells which residuals are unusual there. Use "
                "the weights that your own hospital keeps, or set thresholds on its healthy scans.",
            ]
        return cut + [
            f"{each.label}: {self.share(each.value):.1%} of the brain lies above the threshold, on healthy scans of "
            f"the site {self.rate:.1%} did. That may be a large lesion, another scanner or a bad skull strip."
            for each in self.segments
            if self.share(each.value) > FAR * self.rate
        ]

    @property
    def colors(self) -> Sequence[str]:
        """Of the signs."""
        return [each.color for each in self.segments]

    @property
    def limits(self) -> str:
        """Of residuals and thresholds."""
        return (
            "A residual says that the network, which has seen healthy brains only, restores this place otherwise. "
            "It names no disease, is no probability, and what the network restores is not seen, a lesion or not. "
            f"Thresholds are the residuals that {self.rate:.1%} of the brain voxels of a site's healthy scans exceed, "
            "so something lies above them in most brains. The fractional DICOM segmentation holds the residual itself, "
            "cut to 0 to 1, where 1 is the 99th percentile of the brain."
        )

    def data(self) -> dict[str, Any]:
        """Volumes and shares above the thresholds."""
        return {
            "thresholds": {name: round(value, 5) for name, value in self.thresholds.items()} or None,
            "false_positive_rate": self.rate,
            "signs": [
                {
                    "label": each.label,
                    "above_ml": round(self.above_ml(each.value), DIGITS) if self.thresholds else None,
                    "share_of_brain": round(self.share(each.value), 5) if self.thresholds else None,
                }
                for each in self.segments
            ],
        }

    def summary(self) -> str:
        """A card for each sign."""
        cards = "".join(self._card(each, f"s{number}") for number, each in enumerate(self.segments, start=1))
        return f'<ul class="cards">{cards}</ul>'

    def _card(self, each: Segment, style: str) -> str:
        told, small = "no threshold", "the weights carry none of a site"
        if self.thresholds:
            told = f'{self.above_ml(each.value):.1f} <span class="unit">mL</span>'
            small = f"{self.share(each.value):.2%} of the brain above the threshold; {self.rate:.2%} on healthy scans"
        name = f'<span class="swatch {style}"></span>{escape(each.label)}'
        return f"<li>{name}<strong>{told}</strong><small>{small}</small></li>"

    def pictures(self) -> str:
        """Image, reconstruction and residual of some slices."""
        numbers = image_numbers(self.study, self.wanted.input)
        figures = []
        for each in triples(self.volume, self.maps, {segment.value: segment.color for segment in self.segments}):
            image = numbers[each.number]
            told = f"{each.plane.capitalize()}, {f'image {image}' if image else f'slice {each.number + 1}'}"
            figures.append(f"<figure>{picture(each.png, told)}<figcaption>{escape(told)}</figcaption></figure>")
        return f'<p class="quiet">{escape(TOLD)}</p><div class="natural">{"".join(figures)}</div>'

    def objects(self) -> Sequence[str]:
        """The fractional SEG and, where a site has set thresholds, the binary one with an SR of its volumes."""
        return (SEG_SUFFIX, THRESHOLD_SUFFIX, SR_SUFFIX) if self.thresholds else (SEG_SUFFIX,)

    def write(self, target: Target) -> None:
        """All on the grid of their source."""
        wanted, sources, affine = self.wanted, self.study.headers(self.wanted.input), self.volume.affine
        parts = np.stack([np.clip(self.maps.signed, 0, 1), np.clip(-self.maps.signed, 0, 1)])
        named = tuple(replace(each, label=f"{each.label}, residual, no probability") for each in self.segments)
        labelled = Labelled(wanted.series_description, wanted.content_label, named)
        write_fractional(parts, affine, sources, labelled, target.model, target.segmentation)
        if self.thresholds:
            labelled = replace(labelled, segments=self.segments)
            volumes_ml = [self.above_ml(each.value) for each in self.segments]
            path = target.folder / f"{target.stem}{THRESHOLD_SUFFIX}"
            write_volumes(self.maps.labels, volumes_ml, labelled, self.study, wanted, target, path)


def _whole(output: Path, name: str, volume: Volume, most: int) -> NDArray[np.uint8]:
    """A map of whole numbers from 0 to `most`.

    Raises:
        PredictionError: it is absent, or holds other values.
        SegmentationError: it is not on the grid of `volume`.
    """
    values = read_map(the_one(output, f"*_{name}.nii.gz", f"{name} map"), volume)
    if not np.isin(values, range(most + 1)).all():
        raise PredictionError(
            f"{name} map of the bundle must hold whole numbers from 0 to {most}, got others; mend its inference.json"
        )
    return values.astype(np.uint8)


def _thresholds(path: Path) -> tuple[dict[str, float], float]:
    """By sign, none where one of them is not set; and the stated rate.

    Raises:
        PredictionError: the file holds something else.
    """
    try:
        content = read_json(path)
        limits = {name: content["limits"][name] for name in ("bright", "dark")}
        rate = float(content["false_positive_rate"])
        if None in limits.values():
            return {}, rate
        if not (0 < rate < 1 and all(0 < float(value) < np.inf for value in limits.values())):
            raise ValueError
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise PredictionError(
            f"limits of the bundle must be numbers above 0 or null for bright and dark, got {type(error).__name__} "
            "reading them; mend its inference.json"
        ) from error
    return {name: float(value) for name, value in limits.items()}, rate
