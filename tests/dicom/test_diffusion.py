"""b-values are found where each vendor hides them, and only there."""

import struct

import pytest
from pydicom.dataset import Dataset

from fedbundle.dicom.diffusion import b_value, is_diffusion


def private(group: int, creator: str, element: int, vr: str, value: object) -> Dataset:
    header = Dataset()
    header.private_block(group, "ANOTHER CREATOR", create=True).add_new(element, "LO", "77")
    header.private_block(group, creator, create=True).add_new(element, vr, value)
    return header


@pytest.mark.parametrize(
    ("header", "b"),
    [
        (private(0x0019, "SIEMENS MR HEADER", 0x0C, "OB", b"400 "), 400),
        (private(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "50"), 50),
        (private(0x2001, "Philips Imaging DD 001", 0x03, "FL", 800.0), 800),
        (private(0x2001, "Philips Imaging DD 001", 0x03, "UN", struct.pack("<f", 1000.0)), 1000),
        (private(0x0043, "GEMS_PARM_01", 0x39, "IS", [1000000700, 8, 0, 0]), 700),
        (private(0x0065, "Image Private Header", 0x09, "FD", 1500.0), 1500),
    ],
)
def test_private_b_values(header: Dataset, b: float) -> None:
    assert b_value(header) == b
    assert is_diffusion(header)


def test_the_standard_element_comes_first_and_siemens_needs_no_creator() -> None:
    header = Dataset()
    header.Manufacturer = "SIEMENS"
    header.add_new((0x0019, 0x100C), "OB", b"800 ")
    assert b_value(header) == 800
    header.DiffusionBValue = 400.0
    assert b_value(header) == 400


def test_b_0_and_foreign_elements_are_no_diffusion() -> None:
    assert not is_diffusion(private(0x0043, "GEMS_PARM_01", 0x39, "IS", [0, 8, 0, 0]))
    assert b_value(private(0x0019, "SOMETHING ELSE", 0x0C, "OB", b"400 ")) is None
