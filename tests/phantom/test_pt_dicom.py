"""PET series: the SUV that our rules read from the bytes is the one that was written; dciodvfy finds no error."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from samples.judges import dciodvfy

from fedbundle.dicom.quantities.suv import suv_scale
from fedbundle.dicom.series import scan
from fedbundle.phantom.canvas import Grid
from fedbundle.phantom.dicom_study import Exam, Machine, Person
from fedbundle.phantom.pt_dicom import FLUORINE_18, GALLIUM_68, Injection, Nuclide, PetSeries, write_pet

MACHINE = Machine("SIEMENS", "Biograph_mMR", "E11", "1", "PET1", "Phantom Hospital", "ISO_IR 100", ())
MAN = Person("PHANTOM^Ola^1", "PHANTOM-FORMER^Kari^1", "P1", "19500102", 70, 1.8, 81.5)
EXAM = Exam(MAN, "test of PET", "20240102", 36000, "A123456", "PET", "PROSTATE")


def write(folder: Path, nuclide: Nuclide) -> np.ndarray:
    """Twelve slices of a ramp of SUV, written 1.9 h after the injection."""
    affine = np.diag([4.0, 4.0, 3.0, 1.0])
    suv = (np.indices((12, 20, 24)).sum(axis=0) / 3).astype(np.float32)
    injection = Injection("PSMA", nuclide, 180e6, 6840)
    series = PetSeries(7, 900, "PET AC", Grid(suv.shape, affine, 3.0), injection, 600, "OSEM", reverse_numbers=True)
    assert write_pet(folder, EXAM, MACHINE, series, suv) == 12
    return suv


@pytest.mark.parametrize("nuclide", [GALLIUM_68, FLUORINE_18])
def test_suv_is_the_one_that_was_written(tmp_path: Path, nuclide: Nuclide) -> None:
    suv = write(tmp_path / "pet", nuclide)
    (series,) = scan(tmp_path)
    scale = suv_scale(series)
    assert scale.by.startswith("Decay Correction START")
    slopes = set()
    for header in (dcmread(path) for path in series.files):
        index = round(float(header.ImagePositionPatient[2]) / 3)
        read = header.pixel_array * float(header.RescaleSlope) * scale.factor
        np.testing.assert_allclose(read, suv[index], atol=0.001)
        slopes.add(header.RescaleSlope)
    assert len(slopes) == 12


def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    write(tmp_path / "pet", GALLIUM_68)
    complaints = dciodvfy(tmp_path / "pet" / "0001.dcm")
    assert not [line for line in complaints if line.startswith("Error")]
