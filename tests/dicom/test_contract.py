"""What a volume must be by the contract of its role."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.contract import breaches

BUNDLES = Path(__file__).parents[2] / "bundles"
MR = {"modality": "MR", "contract": {"spacing_mm": {"min": 0.3, "max": 4}, "values": {"min": -1, "max": 10}}}
FILM = {"modality": ["CR", "DX"], "contract": {"spacing_mm": {"max": 0.3}, "values": {"min": 0, "max": 1}}}
VOLUME = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
RADIOGRAPH = np.linspace(0, 1, 6, dtype=np.float32).reshape(1, 2, 3)


def codes(array: Any, spacing: tuple[float, ...], role: dict[str, Any]) -> list[str]:
    """Reason codes."""
    return [breach.code for breach in breaches(array, spacing, role)]


def test_what_keeps_the_contract_has_no_breach() -> None:
    assert not breaches(VOLUME, (0.3, 0.5, 4), MR)
    assert not breaches(VOLUME, (float(np.float32(0.3)), 1, float(np.float32(4))), MR)  # as headers hold them
    assert not breaches(RADIOGRAPH, (0.14, 0.14, 1), FILM)  # its third spacing means nothing
    assert not breaches(VOLUME - 1000, (0.01, 9, 9), {"modality": "MR"})  # the role asks for nothing


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_voxel_that_is_no_number_is_counted(value: float) -> None:
    array = VOLUME.copy()
    array[1, 0, 1] = value
    (breach,) = breaches(array, (1, 1, 1), {"modality": "MR"})
    assert (breach.code, breach.detail) == ("NOT_FINITE", "1 of 8 voxels are no finite numbers")


def test_spacing_is_told_before_values_and_with_its_axis() -> None:
    first, second = breaches(VOLUME + 100, (1, 1, 5), MR)
    assert (first.code, first.detail) == ("WRONG_SPACING", "slices 5 mm apart, wanted 0.3 to 4")
    assert (second.code, second.detail) == ("VALUE_RANGE", "values 100 to 107, wanted -1 to 10")
    assert codes(RADIOGRAPH, (0.14, 0.5, 1), FILM) == ["WRONG_SPACING"]
    assert codes(VOLUME, (0, 1, 1), {"modality": "MR"}) == ["WRONG_SPACING"]


@pytest.mark.parametrize(
    ("array", "role"),
    [
        (VOLUME[0], MR),
        (np.stack([VOLUME, VOLUME]), MR),
        (VOLUME.astype(np.complex64), MR),
        (VOLUME.astype([("R", "u1")]), MR),
        (VOLUME[:0], MR),
        (VOLUME, FILM),
    ],
)
def test_what_is_no_single_volume_has_wrong_channels(array: Any, role: dict[str, Any]) -> None:
    assert codes(array, (1, 1, 1), role) == ["WRONG_CHANNELS"]


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (VOLUME * 0.2, "largest value 1.4, wanted 500 to 9000"),  # an ADC map in 1e-3 mm2/s
        (VOLUME * 0 - 9000, "largest value -9000, wanted 500 to 9000"),
        (VOLUME * 0 + 700, "all values are 700, wanted an image"),
        (VOLUME * 200, ""),
        (VOLUME * 200 - 9000 * (VOLUME == 3), ""),  # one voxel is noise
    ],
)
def test_the_largest_value_tells_the_unit(array: Any, detail: str) -> None:
    role = {"modality": "MR", "contract": {"values": {"min": -9000}, "reaches": {"min": 500, "max": 9000}}}
    assert [breach.detail for breach in breaches(array, (1, 1, 1), role)] == [detail] * bool(detail)


@pytest.mark.parametrize(
    ("bundle", "role", "value"),
    [
        ("prostate_mripet_lesion", "t2", 0),
        ("prostate_mripet_lesion", "adc", 1.3),
        ("prostate_mripet_lesion", "adc", -9000),
        ("prostate_mripet_lesion", "hbv", 0),
        ("prostate_mripet_lesion", "pet", 0),
        ("prostate_mri_zones", "image", 300),
        ("hip_radiograph_fracture", "image", 0),
    ],
)
def test_no_bundle_takes_an_image_of_one_value(bundle: str, role: str, value: float) -> None:
    rules = Bundle.open(BUNDLES / bundle).ingest_rules["inputs"][role]
    assert codes(np.full((1, 8, 8), value, np.float32), (0.5, 0.5, 3), rules) == ["VALUE_RANGE"]
