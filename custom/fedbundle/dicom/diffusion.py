"""b-values of MR diffusion images, from the standard element or from vendors' private ones."""

import re
import struct

from pydicom.dataset import Dataset

from fedbundle.dicom.header import codes, number, text, value, values

# private creator -> (group, element) of the b-value in its block; from the vendors' conformance statements,
# checked against a Siemens Skyra study for the first
PRIVATE = {
    "SIEMENS MR HEADER": (0x0019, 0x0C),  # IS, often stored as bytes with padding
    "Philips Imaging DD 001": (0x2001, 0x03),  # FL
    "GEMS_PARM_01": (0x0043, 0x39),  # IS 1-n, the first one; 1e9 may be added to it
    "Image Private Header": (0x0065, 0x09),  # FD, United Imaging
}
GROUPS = frozenset(group for group, _ in PRIVATE.values())
GE_OFFSET = 1_000_000_000
DIFFUSION_TYPES = frozenset({"DIFFUSION", "ADC", "EADC", "TRACEW", "TRACE", "FA", "DIFF_TRACEW", "CALC_BVALUE"})
CALCULATED_TYPES = frozenset({"CALC_BVALUE", "CALC_BVAL", "SYNTHETIC", "SYNTHESIZED"})
CALCULATED_NAME = re.compile(r"calc(ulated)?[_ -]?b|synth|computed|\bcdwi|\bsdwi", re.IGNORECASE)
PHILIPS_DIRECTION = 0x20011004  # CS: P, M, S or I; block 10 as Philips writes it
DIFFUSION_SEQUENCE = re.compile(r"ep_b\d", re.IGNORECASE)


def b_value(header: Dataset) -> float | None:
    """b-value in s/mm2 of a slice, or None where the header names none."""
    standard = number(header, "DiffusionBValue")
    if standard is not None:
        return standard
    for tag in [tag for tag in header.keys() if tag >> 16 in GROUPS and 0x10 <= tag & 0xFFFF <= 0xFF]:  # noqa: SIM118
        group, element = PRIVATE.get(text(header, tag), (0, 0))
        if group == tag >> 16:  # a private creator (PS3.5 7.8.1); its block begins at element 0xNN00
            found = raw_number(header, (group, (tag & 0xFF) << 8 | element))
            if found is not None:
                return found % GE_OFFSET
    if text(header, "Manufacturer").upper().startswith("SIEMENS"):  # the creator is often lost on the way
        return raw_number(header, (0x0019, 0x100C))
    return None


def is_calculated(header: Dataset) -> bool:
    """An image that the scanner computed for a b-value that it did not measure.

    Image Type tells it in few scanners; the Skyra of the public PROSTATEx study writes it into the description only.
    """
    names = (text(header, "SeriesDescription"), text(header, "SequenceName"))
    return bool(CALCULATED_TYPES & set(codes(header, "ImageType")) or any(map(CALCULATED_NAME.search, names)))


def is_isotropic(header: Dataset) -> bool:
    """An average over gradient directions (a trace image), by the standard element or by Philips' private one."""
    told = text(header, "DiffusionDirectionality")
    return told == "ISOTROPIC" if told else text(header, PHILIPS_DIRECTION).upper() == "I"


def is_diffusion(header: Dataset) -> bool:
    """A diffusion-weighted image or a map computed from such, by header physics."""
    return bool(
        (b_value(header) or 0) > 0
        or DIFFUSION_TYPES & set(codes(header, "ImageType"))
        or text(header, "DiffusionDirectionality") not in ("", "NONE")
        or DIFFUSION_SEQUENCE.search(text(header, "SequenceName"))
    )


def raw_number(header: Dataset, tag: int | tuple[int, int]) -> float | None:
    """First value of a private element, also where its value representation was lost; None when it is no number."""
    raw = value(header, tag)
    try:
        if isinstance(raw, bytes):
            digits = raw.strip(b" \0")
            if re.fullmatch(rb"\d+(\\-?\d+)*", digits):
                return float(digits.split(b"\\")[0])
            return float(struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0])  # FL or FD kept as UN
        first = values(header, tag)
        return float(first[0]) if first else None
    except (ValueError, TypeError, struct.error):
        return None
