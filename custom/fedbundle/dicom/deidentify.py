"""De-identification of one image: a fail-closed allow list at every depth, keyed pseudonyms, rewritten pixels.

What comes out is built anew from what `allowed.KEPT` names; what is unknown does not come out. The same key gives the
same pseudonyms in every process and on every day, so a study sent twice is one study; without the key they tell
nothing. Basis: PS3.15 Annex E, Basic Application Level Confidentiality Profile (113100), made stricter.

Exact geometry can link two releases of one examination: it stays exact unless `motion` is given. De-identified images
stay in the hospital all the same.
"""

import re
import warnings
from typing import Any

from pydicom import DataElement, Dataset, FileDataset
from pydicom.config import disable_value_validation
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian, UID_dictionary

from fedbundle import __version__
from fedbundle.dicom.allowed import DUMMIES, EMPTIED, IMAGE_CLASSES, KEPT
from fedbundle.dicom.diffusion import b_value
from fedbundle.dicom.identifiers import UNREADABLE as UNREADABLE_VALUE
from fedbundle.dicom.identifiers import identifiers
from fedbundle.dicom.needles import Needles
from fedbundle.dicom.pseudonyms import patient_pseudonym, pseudonym, pseudonym_uid
from fedbundle.dicom.rebase import Rebase, move
from fedbundle.dicom.residuals import residuals
from fedbundle.errors import DicomError

__all__ = ["deidentify", "identifiers", "patient_pseudonym", "pseudonym", "pseudonym_uid", "residuals"]

METHOD = f"fedbundle {__version__}: PS3.15 basic profile, allow list of attributes"
CODE = re.compile(r"[A-Z0-9 _]{0,16}")  # VR CS, PS3.5 6.2
TEXT = re.compile(r"[ -~]{0,64}")
TEXT_VRS = frozenset({"LO", "SH"})
NUMBER_VRS = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})
UNREADABLE = (*UNREADABLE_VALUE, RuntimeError)  # RuntimeError: no decoder for this transfer syntax


def deidentify(dataset: Dataset, key: bytes, motion: Rebase | None = None) -> FileDataset:
    """Make a new image that holds what the allow list names; `dataset` itself is not changed.

    UIDs become keyed UIDs, the same for an object and for references to it. Dates and times are removed, emptied
    (type 2) or replaced by a dummy (type 1). Pixels are decoded and written as native little endian without the
    unused bits above BitsStored, where old overlays lie, and without comments that compressed frames may carry.
    Text that is kept is dropped all the same where it mentions an identifier of this very image.

    Args:
        dataset: one image as read by pydicom; without pixels when only the header is wanted.
        key: the site's secret, at least 16 bytes.
        motion: moves positions and directions, see `rebase`; None leaves the geometry exact.

    Returns:
        A dataset with new file meta and empty preamble; write it with `save_as(path, enforce_file_format=True)`.

    Raises:
        DicomError: an object that is no plain grey-scale image, or that declares burned-in text, or unreadable pixels.
    """
    with disable_value_validation():  # pydicom's warnings repeat the value
        return _deidentified(dataset, key, motion)


def _deidentified(dataset: Dataset, key: bytes, motion: Rebase | None) -> FileDataset:
    _refuse_unfit(dataset)
    image = _cleaned(dataset, key, Needles(identifiers(dataset)))
    patient = patient_pseudonym(dataset, key)
    for keyword in EMPTIED:
        setattr(image, keyword, "")
    image.PatientName, image.PatientID = patient, patient
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = METHOD
    image.DeidentificationMethodCodeSequence = [_code("113100", "Basic Application Confidentiality Profile")]
    image.LongitudinalTemporalInformationModified = "REMOVED"
    if "DiffusionBValue" not in image and (b := b_value(dataset)) is not None:  # vendors keep it in private elements
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


def _cleaned(dataset: Dataset, key: bytes, names: Needles) -> Dataset:
    """Copy what is allowed, at this level and below; `names` are the identifiers of the whole image."""
    kept = Dataset()
    for tag in dataset.keys():  # noqa: SIM118 -- iterating a Dataset parses every element, also those that go
        keyword = "" if tag.is_private else keyword_for_tag(tag)
        if keyword in DUMMIES:
            kept.add_new(tag, dictionary_VR(tag), DUMMIES[keyword])
        elif keyword in KEPT and keyword != "PixelData":
            element = _readable(dataset, tag)
            if element is not None:
                _keep(kept, element, key, names)
    return kept


def _readable(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """The element, or None where its value is not of the representation that PS3.6 gives the attribute."""
    try:
        element = dataset[tag]
        return element if element.VR in dictionary_VR(tag).split(" or ") else None
    except UNREADABLE:
        return None


def _keep(kept: Dataset, element: DataElement, key: bytes, names: Needles) -> None:
    if element.VR == "SQ":
        value: Any = Sequence([_cleaned(item, key, names) for item in element.value])
    elif element.VR == "UI":
        value = _each(element.value, lambda uid: pseudonym_uid(key, str(uid)))
    elif element.VR in NUMBER_VRS or _harmless(element, names):
        value = element.value
    else:
        return
    kept.add_new(element.tag, element.VR, value)


def _harmless(element: DataElement, names: Needles) -> bool:
    rule = CODE if element.VR == "CS" else TEXT if element.VR in TEXT_VRS else None
    values = [str(value) for value in (element.value if element.VM > 1 else [element.value or ""])]
    return rule is not None and all(rule.fullmatch(value) and not names.in_text(value) for value in values)


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


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _file_meta(image: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = image.SOPClassUID
    meta.MediaStorageSOPInstanceUID = image.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return meta
