"""How vendors write the b-value of an MR slice: the standard element, or one of their own, or both."""

from collections.abc import Callable, Mapping

from pydicom.dataset import Dataset

Encoding = Callable[[float], Dataset]
"""b-value in s/mm2 -> the elements that tell it."""


def standard(b: float) -> Dataset:
    """Diffusion b-value (0018,9087), and that the image is a trace (0018,9075)."""
    d = Dataset()
    d.DiffusionBValue = float(b)
    d.DiffusionDirectionality = "ISOTROPIC" if b > 0 else "NONE"
    return d


def siemens(b: float) -> Dataset:
    """(0019,100C) as bytes with padding, as a Skyra's files in the PROSTATEx study have it; no standard element."""
    digits = f"{b:.0f}".encode()
    return _private(0x0019, "SIEMENS MR HEADER", 0x0C, "OB", digits + b" " * (len(digits) % 2))


def philips(b: float) -> Dataset:
    """(2001,1003) as a float, and the direction (2001,1004): I = isotropic."""
    d = _private(0x2001, "Philips Imaging DD 001", 0x03, "FL", float(b))
    d.private_block(0x2001, "Philips Imaging DD 001").add_new(0x04, "CS", "I" if b > 0 else "NONE")
    return d


def ge(b: float) -> Dataset:
    """(0043,1039): four integers, the first one with 1e9 added."""
    return _private(0x0043, "GEMS_PARM_01", 0x39, "IS", [1_000_000_000 + round(b), 8, 0, 0])


def ge_new(b: float) -> Dataset:
    """Both the standard and the private element, as newer software writes."""
    d = ge(b)
    d.update(standard(b))
    return d


def united_imaging(b: float) -> Dataset:
    """(0065,1009) as a double."""
    return _private(0x0065, "Image Private Header", 0x09, "FD", float(b))


ENCODINGS: Mapping[str, Encoding] = {
    "standard": standard,
    "siemens": siemens,
    "philips": philips,
    "ge": ge,
    "ge new": ge_new,
    "united imaging": united_imaging,
}


def _private(group: int, creator: str, element: int, vr: str, value: object) -> Dataset:
    d = Dataset()
    d.private_block(group, creator, create=True).add_new(element, vr, value)
    return d
