"""What is told of a series in the log comes from closed lists and numbers."""

import json
from pathlib import Path

from samples.dicom_series import Stack, make_slices, write_slices

from fedbundle.dicom.series import Series, scan
from fedbundle.dicom.technical import technical


def series(folder: Path, manufacturer: str, model: str) -> Series:
    slices = make_slices(Stack(turn=(18, 0, 0)))
    for image in slices:
        image.Manufacturer, image.ManufacturerModelName = manufacturer, model
    return scan(write_slices(folder, slices))[0]


def test_vendor_and_model_are_spelled_in_one_way(tmp_path: Path) -> None:
    told = technical(series(tmp_path, "Philips Medical Systems", "Ingenia Elition X of Dr Doe"))
    assert (told["manufacturer"], told["model"]) == ("Philips", "Ingenia")
    assert told["matrix"] == [10, 12]
    assert told["pixel_spacing_mm"] == [0.7, 0.9]
    assert (told["orientation"], told["oblique_degrees"]) == ("transverse", 18)


def test_free_text_is_never_quoted(tmp_path: Path) -> None:
    told = technical(series(tmp_path, "Testperson Devices", "Zebulon 3000"))
    assert (told["manufacturer"], told["model"]) == ("other", "other")
    assert "Testperson" not in json.dumps(told)
