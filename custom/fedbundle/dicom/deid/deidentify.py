"""De-identification of one image: a fail-closed allow list at every depth, keyed pseudonyms, rewritten pixels.

What comes out is built anew from what `allowed.KEPT` names; what is unknown does not come out. The same key gives the
same pseudonyms in every process and on every day, so a study sent twice is one study; without the key they tell
nothing. Basis: PS3.15 Annex E, Basic Application Level Confidentiality Profile (113100), made stricter.

Exact geometry can link two releases of one examination: it stays exact unless `motion` is given. De-identified images
stay in the hospital all the same.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Any

from pydicom import DataElement, Dataset, FileDataset
from pydicom.config import disable_value_validation
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian, UID_dictionary

from fedbundle import __version__
from fedbundle.dicom.deid.allowed import DUMMIES, EMPTIED, IMAGE_CLASSES, KEPT
from fedbundle.dicom.deid.dates import DATED, shift_days, shifted
from fedbundle.dicom.deid.descriptors import DESCRIPTORS, cleaned
from fedbundle.dicom.deid.identifiers import identifiers
from fedbundle.dicom.deid.needles import Needles
from fedbundle.dicom.deid.options import Options
from fedbundle.dicom.deid.private import add_safe_private
from fedbundle.dicom.deid.pseudonyms import patient_pseudonym, pseudonym_uid
from fedbundle.dicom.deid.rebase import Rebase, move
from fedbundle.dicom.diffusion import b_value
from fedbundle.dicom.header import MALFORMED
from fedbundle.errors import DicomError

METHOD = f"fedbundle {__version__}: PS3.15 basic profile, allow list of attributes"
CODE = re.compile(r"[A-Z0-9 _]{0,16}")  # VR CS, PS3.5 6.2
TEXT = re.compile(r"[ -~]{0,64}")
TEXT_VRS = frozenset({"LO", "SH"})
NUMBER_VRS = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})
NOTHING_MORE = Options()
UNREADABLE = (*MALFORMED, RuntimeError)  # RuntimeError: no decoder for this transfer syntax


def deidentify(
    dataset: Dataset,
    key: bytes,
    options: Options = NOTHING_MORE,
    motion: Rebase | None = None,
    *,
    reviewed: bool = False,
) -> FileDataset:
    """Make a new image that holds what the allow list names; `dataset` itself is not changed.

    UIDs become keyed UIDs, the same for an object and for references to it. Dates and times are removed, emptied
    (type 2) or replaced by a dummy (type 1), unless an option keeps shifted dates. Pixels are decoded and written as
    native little endian without the unused bits above BitsStored, where old overlays lie, and without comments that
    compressed frames may carry. Text that is kept is dropped all the same where it mentions an identifier of this very
    image.

    Args:
        dataset: one image as read by pydicom; without pixels when only the header is wanted.
        key: the site's secret, at least 16 bytes.
        options: what is kept or done beside the Basic Profile.
        motion: moves positions and directions, see `rebase`; None leaves the geometry exact.
        reviewed: a person has looked and found no text in the pixels.

    Returns:
        A dataset with new file meta and empty preamble; write it with `save_as(path, enforce_file_format=True)`.

    Raises:
        DicomError: an object that is no plain grey-scale image, or that declares burned-in text, or unreadable pixels.
    """
    with disable_value_validation():  # pydicom's warnings repeat the value
        _refuse_unfit(dataset)
        image = _Profile.of(dataset, key, options).cleaned(dataset)
        patient = patient_pseudonym(dataset, key)
        for keyword in EMPTIED:
            if keyword not in image:
                setattr(image, keyword, "")
        image.PatientName, image.PatientID = patient, patient
        if reviewed:
            image.BurnedInAnnotation = "NO"
        image.PatientIdentityRemoved = "YES"
        image.DeidentificationMethod = METHOD
        image.DeidentificationMethodCodeSequence = options.method_codes(text_free=reviewed)
        image.LongitudinalTemporalInformationModified = "MODIFIED" if options.retain_shifted_dates else "REMOVED"
        if (
            "DiffusionBValue" not in image and (b := b_value(dataset)) is not None
        ):  # vendors keep it in private elements
            image.DiffusionBValue = b
        if motion:
            move(image, motion)
        if "PixelData" in dataset:
            _put_pixels(dataset, image)
        return FileDataset("", image, preamble=b"\0" * 128, file_meta=_file_meta(image))


def _refuse_unfit(dataset: Dataset) -> None:
    sop_class = UID(str(dataset.get("SOPClassUID", "")))
    if sop_class not in IMAGE_CLASSES:
        told = sop_class.name if sop_class in UID_dictionary else "another class" if sop_class else "none"
        raise DicomError(
            f"SOP class must be one of the image classes that can be de-identified, got {told}; leave such objects out"
        )
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        raise DicomError("BurnedInAnnotation must not be YES: text in the pixels cannot be removed; leave it out")


@dataclass(frozen=True)
class _Profile:
    """What is done to the attributes of one image, the same at every depth."""

    key: bytes
    options: Options
    names: Needles  # the identifiers of the whole image
    days: int  # by which its dates are moved

    @classmethod
    def of(cls, dataset: Dataset, key: bytes, options: Options) -> "_Profile":
        names = Needles(identifiers(dataset, options.device))
        return cls(key, options, names, shift_days(key, patient_pseudonym(dataset, key)))

    def cleaned(self, dataset: Dataset) -> Dataset:
        """Copy what is allowed, at this level and below."""
        kept = Dataset()
        for tag in dataset.keys():  # noqa: SIM118 -- iterating a Dataset parses every element, also those that go
            keyword = "" if tag.is_private else keyword_for_tag(tag)
            if (value := self.value(dataset, tag, keyword)) is not None:
                kept.add_new(tag, dictionary_VR(tag) if keyword in DUMMIES else dataset[tag].VR, value)
        if self.options.retain_safe_private:
            add_safe_private(dataset, kept, self.names)
        return kept

    def value(self, dataset: Dataset, tag: BaseTag, keyword: str) -> Any:
        """What an element holds afterwards; None when it goes."""
        if self.options.retain_shifted_dates and keyword in DATED:
            element = _readable(dataset, tag)
            return (shifted(str(element.value), self.days) if element else None) or DUMMIES.get(keyword)
        if keyword in DUMMIES:
            return DUMMIES[keyword]
        if self.options.clean_descriptors and keyword in DESCRIPTORS:
            element = _readable(dataset, tag)
            return self.harmless(cleaned(str(element.value)), TEXT) if element else None
        if keyword == "PixelData" or keyword not in KEPT | self.options.device:
            return None
        element = _readable(dataset, tag)
        return None if element is None else self.kept(element)

    def kept(self, element: DataElement) -> Any:
        """Value of an element that is allowed; None where its text is not."""
        if element.VR == "SQ":
            return Sequence([self.cleaned(item) for item in element.value])
        if element.VR == "UI":
            return _each(element.value, lambda uid: pseudonym_uid(self.key, str(uid)))
        if element.VR in NUMBER_VRS:
            return element.value if element.value is not None else ""
        rule = CODE if element.VR == "CS" else TEXT if element.VR in TEXT_VRS else None
        values = [str(value) for value in (element.value if element.VM > 1 else [element.value or ""])]
        return element.value or "" if rule and all(self.harmless(value, rule) is not None for value in values) else None

    def harmless(self, text: str, rule: re.Pattern[str]) -> str | None:
        """The text, unless it has other characters or mentions who the patient is."""
        return text if rule.fullmatch(text) and not self.names.in_text(text) else None


def _readable(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """The element, or None where its value is not of the representation that PS3.6 gives the attribute."""
    try:
        element = dataset[tag]
        return element if element.VR in dictionary_VR(tag).split(" or ") else None
    except UNREADABLE:
        return None


def _each(value: Any, change: Any) -> Any:
    if not value:
        return ""
    return change(value) if isinstance(value, str) else [change(part) for part in value]


def _put_pixels(dataset: Dataset, image: Dataset) -> None:
    """Put the decoded pixels into `image`, the bits above BitsStored cleared (sign-extended in signed images)."""
    if dataset.get("SamplesPerPixel") != 1 or "BitsStored" not in dataset:
        raise DicomError("pixels must be grey-scale with SamplesPerPixel 1, got another kind; leave the image out")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "The pixel data is .* excess padding", UserWarning
            )  # it goes, as it should
            pixels = dataset.pixel_array
    except UNREADABLE as error:
        raise DicomError(
            f"pixels must be readable, got {type(error).__name__}; send the image from the PACS uncompressed"
        ) from error
    unused = dataset.BitsAllocated - dataset.BitsStored
    if pixels.dtype.kind not in "iu" or pixels.itemsize * 8 != dataset.BitsAllocated or unused < 0:
        raise DicomError("pixels must be integers of 8, 16 or 32 bits, got another kind; leave the image out")
    if dataset.get("HighBit") != dataset.BitsStored - 1:
        raise DicomError("HighBit must be BitsStored - 1, got another; leave the image out")
    pixels = (pixels << unused) >> unused
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    image.add_new(0x7FE00010, "OW" if dataset.BitsAllocated > 8 else "OB", content + b"\0" * (len(content) % 2))


def _file_meta(image: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = image.SOPClassUID
    meta.MediaStorageSOPInstanceUID = image.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return meta
