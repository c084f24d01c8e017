"""Scale, side and display of a radiograph are told in words of closed lists."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from samples.dicom_series import set_value, write_slices
from samples.plain_film import make_film

from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.pixels.radiograph import laterality, spacing_of
from fedbundle.dicom.series import scan
from fedbundle.dicom.technical import technical
from fedbundle.errors import BundleError

AT_DETECTOR = [0.15, 0.15]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"PixelSpacing": None}, "detector"),
        ({"PixelSpacing": AT_DETECTOR}, "detector"),
        ({}, "calibrated, unknown how"),
        ({"PixelSpacingCalibrationType": "GEOMETRY"}, "calibrated by geometry"),
        ({"PixelSpacingCalibrationType": "FIDUCIAL"}, "calibrated by a fiducial"),
        ({"PixelSpacingCalibrationType": "GUESS"}, "calibrated, unknown how"),
        ({"ImagerPixelSpacing": None}, "unknown"),
        ({"ImagerPixelSpacing": None, "NominalScannedPixelSpacing": AT_DETECTOR}, "scanned film"),
        ({"ImagerPixelSpacing": None, "PixelSpacing": None}, ""),
    ],
)
def test_where_the_spacing_was_measured(attributes: dict[str, Any], told: str) -> None:
    film = make_film()
    for name, value in attributes.items():
        set_value(film, name, value)
    assert spacing_of(film) == told


def region(code: str, scheme: str) -> list[Dataset]:
    """Anatomic Region Sequence with a modifier."""
    modifier, item = Dataset(), Dataset()
    modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = code, scheme, "side"
    item.AnatomicRegionModifierSequence = [modifier]
    return [item]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, ""),
        ({"ImageLaterality": "R"}, "right"),
        ({"Laterality": "L"}, "left"),
        ({"ImageLaterality": "B", "Laterality": ""}, "both"),
        ({"ImageLaterality": "R", "Laterality": "L"}, "contradictory"),
        ({"AnatomicRegionSequence": region("7771000", "SCT")}, "left"),
        ({"AnatomicRegionSequence": region("G-A100", "SRT"), "Laterality": "L"}, "contradictory"),
        ({"ImageLaterality": "Q"}, ""),
    ],
)
def test_the_side_is_told_where_all_agree(attributes: dict[str, Any], told: str) -> None:
    film = make_film()
    for name, value in attributes.items():
        setattr(film, name, value)
    assert laterality(film) == told


def test_headers_of_the_journal_tell_a_radiograph_without_free_text(tmp_path: Path) -> None:
    film = make_film()
    film.WindowCenter, film.WindowWidth, film.WindowCenterWidthExplanation = [9, 8], [7, 6], ["Zebulon", "Dr Doe"]
    film.ImageLaterality, film.ShutterShape, film.ViewPosition = "L", ["CIRCULAR", "ZEBULON"], "ZEBULON"
    (series,) = scan(write_slices(tmp_path, [film]))
    told = technical(series)
    assert told["pixel_spacing_mm"] == [0.14, 0.14]
    assert (told["laterality"], told["pixel_spacing_of"], told["view"]) == ("left", "calibrated, unknown how", "other")
    assert (told["photometric"], told["voi"], told["shutter"]) == ("MONOCHROME2", "linear window 1 of 2", ["circular"])
    assert "zebulon" not in json.dumps(told).lower()


def test_only_radiographs_can_be_displayed() -> None:
    checked_rules({"inputs": {"image": {"modality": ["CR", "DX"], "pixels": "displayed"}}})
    for modality in ("MR", ["DX", "US"]):
        with pytest.raises(BundleError, match="with pixels 'displayed' must be CR or DX or RG"):
            checked_rules({"inputs": {"image": {"modality": modality, "pixels": "displayed"}}})


def test_real_films_tell_their_scale_and_side(testdata: Callable[[str], Path]) -> None:
    (extremity, *_) = scan(testdata("hip_xray/monochrome1_cr"))
    told = technical(extremity)
    assert (told["laterality"], told["voi"], told["photometric"]) == ("right", "linear window 1 of 1", "MONOCHROME1")
    assert "pixel_spacing_of" not in told
    (child, *_) = scan(testdata("hip_xray/ddh_dicom"))
    assert technical(child)["pixel_spacing_mm"] == [1.0, 1.0]
