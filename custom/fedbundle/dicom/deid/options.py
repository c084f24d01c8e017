"""Which options of PS3.15 Annex E a site adds to the Basic Profile, and the codes that say so in an image."""

from dataclasses import dataclass

from pydicom import Dataset

BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXEL_DATA = ("113101", "Clean Pixel Data Option")
CODES = {  # field of `Options` -> code and meaning in PS3.16 CID 7050
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_shifted_dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "retain_device_identity": ("113109", "Retain Device Identity Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
}
# PS3.15 Table E.1-1, "K" under Retain Device Identity, of those that say which scanner it was; and its software
DEVICE = "DeviceSerialNumber StationName GantryID DetectorID GeneratorID PlateID CassetteID SoftwareVersions"


@dataclass(frozen=True)
class Options:
    """What is done beside the Basic Profile; the default keeps least. The names are those of `site.toml`."""

    clean_descriptors: bool = False
    retain_shifted_dates: bool = False
    retain_device_identity: bool = False
    retain_safe_private: bool = False
    rebase: bool = False  # not of PS3.15: geometry in another place and direction, see `fedbundle.dicom.deid.rebase`

    @property
    def device(self) -> frozenset[str]:
        """Attributes that tell the scanner and are to be kept."""
        return frozenset(DEVICE.split()) if self.retain_device_identity else frozenset()

    def method_codes(self, *, text_free: bool) -> list[Dataset]:
        """Items of DeidentificationMethodCodeSequence: the profile, and what was really done.

        Args:
            text_free: a person has looked and found no text in the pixels.
        """
        pixels = [CLEAN_PIXEL_DATA] if text_free else []
        return [_code(*code) for code in (BASIC_PROFILE, *pixels, *(CODES[name] for name in CODES if vars(self)[name]))]


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code
