"""No attribute of PS3.15 Table E.1-1 survives, at no depth and in no corner of a file."""

from pathlib import Path

import pytest
from pydicom import dcmread
from samples.canaries import CORNERS, DEPTHS, Cage

from fedbundle.dicom.deid.deidentify import deidentify


@pytest.mark.parametrize("place", [*DEPTHS, CORNERS])
def test_no_canary_survives(place: int | str, tmp_path: Path) -> None:
    cage = Cage(place)
    source = cage.write(tmp_path / "source")
    assert len(cage.canaries) > (600 if place in DEPTHS else 20)
    assert cage.survivors(source) == [canary.what for canary in cage.canaries]
    deidentify(dcmread(source), bytes(range(32))).save_as(tmp_path / "clean", enforce_file_format=True)
    assert cage.survivors(tmp_path / "clean") == []
