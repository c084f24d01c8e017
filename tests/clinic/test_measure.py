"""Volumes in mL, and what a person is asked to look at twice."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbundle.clinic.measure import doubts, measure
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import SegmentationOut, read_dicom_out

FOUND = read_dicom_out(Path(__file__).parents[2] / "bundles" / "prostate_mri_zones")

assert isinstance(FOUND, SegmentationOut)
WANTED = FOUND


def volume_of(labels: NDArray[np.uint8]) -> Volume:
    return Volume(labels.astype(np.float32), np.diag([2.0, 2.5, 4.0, 1.0]), "")  # 0.02 mL a voxel


def box(*, first: int = 2, size: int = 10, value: int = 1) -> NDArray[np.uint8]:
    labels = np.zeros((14, 24, 24), np.uint8)
    labels[2:12, 4:20, first : first + size] = value
    return labels


def test_volume_is_voxels_times_their_size() -> None:
    labels = box()
    labels[3:5, 5:8, 4:6] = 2
    segments, total = measure(volume_of(labels), labels, WANTED)
    assert [round(segment.volume_ml, 6) for segment in segments] == [(1600 - 12) * 0.02, 12 * 0.02]
    assert total and total.volume_ml == pytest.approx(32.0) and (total.slices, segments[1].slices) == (10, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (np.s_[2:12, 4:20, 2:12], "No transition zone"),
        (np.s_[0:12, 4:9, 2:12], "first or last slice"),
        (np.s_[4:12, 4:9, 0:12], "edge of the images"),
        (np.s_[4:8, 4:20, 14:20], "2 separate parts"),
    ],
)
def test_doubts(change: tuple[slice, ...], told: str) -> None:
    labels = box()
    labels[change] = 2 if told.startswith("No") else 1
    found = doubts(volume_of(labels), labels, WANTED)
    assert any(told in sentence for sentence in found)


def test_an_implausible_total_is_told_and_a_sound_one_is_not() -> None:
    sound = box()
    sound[3:9, 6:16, 4:9] = 2
    assert doubts(volume_of(sound), sound, WANTED) == []
    small = box(size=1)
    small[3:9, 6:16, 2:3] = 2
    assert any("outside the usual 10 to 250 mL" in sentence for sentence in doubts(volume_of(small), small, WANTED))
