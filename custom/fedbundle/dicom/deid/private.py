"""Private elements that are kept on demand (PS3.15 E.3.10, Retain Safe Private Option, 113111): these and no others.

A value is kept as one number of a size that it can have, written anew with the representation that the vendor
documents, in a block that its creator opens. A block without its creator is not recognised, and a number that is an
identifier of the image is dropped.
"""

from pydicom import Dataset

from fedbundle.dicom.deid.needles import Needles
from fedbundle.dicom.diffusion import GE_OFFSET, raw_number

# creator, group, element in its block, VR; from PS3.15 Table E.3.10-1 and the vendors' conformance statements
SAFE = (
    ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS"),  # b-value, s/mm2
    ("GEMS_PARM_01", 0x0043, 0x39, "IS"),  # b-value, s/mm2, without the 1e9 that may be added to it
    ("Philips Imaging DD 001", 0x2001, 0x03, "FL"),  # b-value, s/mm2
    ("Image Private Header", 0x0065, 0x09, "FD"),  # b-value of United Imaging, s/mm2
    ("Philips PET Private Group", 0x7053, 0x00, "DS"),  # SUV per count, g/ml
    ("Philips PET Private Group", 0x7053, 0x09, "DS"),  # Bq/ml per count
)
MOST = 1e5  # in these units; a b-value is below it, and so is a factor
GROUPS = frozenset(group for _, group, *_ in SAFE)


def add_safe_private(source: Dataset, kept: Dataset, names: Needles) -> None:
    """Copy the safe private elements of this level of `source` into `kept`, but none that is one of `names`."""
    if not any(tag >> 16 in GROUPS for tag in source.keys()):  # noqa: SIM118 -- values need not be parsed for it
        return
    for creator, group, element, vr in SAFE:
        try:
            found = raw_number(source, source.private_block(group, creator).get_tag(element))
        except KeyError:  # no such block
            continue
        if found is None or not 0 <= (found := found % GE_OFFSET) <= MOST or names.in_text(f"{found:.10g}"):
            continue
        value = round(found) if vr == "IS" else f"{found:.10g}" if vr == "DS" else found
        kept.private_block(group, creator, create=True).add_new(element, vr, value)
