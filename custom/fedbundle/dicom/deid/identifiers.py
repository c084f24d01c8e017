"""What in a header tells who the patient is: the strings that must not be found in anything that is written.

- person names, whole and in their parts; ids and places by attribute; dates; UIDs that PS3.6 does not register;
- at every depth, and in private elements where their value representation is one of these.

Left out are strings that would be found by chance or by design, and nothing else:

- words of a name with fewer than 3 letters, other text with fewer than 4 letters and digits, numbers with fewer than 5
  digits or with one digit repeated (the whole name stays);
- single words that our own files consist of, and those that stand for "nothing here" (`OWN_WORDS`), such as a patient
  called "Test" or an operator called "Unknown";
- dates that are dummies.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import UID_dictionary

from fedbundle.dicom.deid.allowed import DUMMY_DATE
from fedbundle.dicom.header import MALFORMED, SEVERAL, SIMPLE_VR, tag_of, value

IDS = """
PatientID OtherPatientIDs IssuerOfPatientID MedicalRecordLocator PatientAddress PatientTelephoneNumbers
PatientTelecomInformation PatientComments AdditionalPatientHistory CountryOfResidence RegionOfResidence
MilitaryRank Occupation PatientReligiousPreference AccessionNumber StudyID
AdmissionID IssuerOfAdmissionID ServiceEpisodeID RequestedProcedureID ScheduledProcedureStepID
PerformedProcedureStepID PlacerOrderNumberImagingServiceRequest FillerOrderNumberImagingServiceRequest
InstitutionName InstitutionAddress InstitutionalDepartmentName RequestingService StationName DeviceSerialNumber
PerformedStationName ScheduledStationName PerformedLocation ScheduledProcedureStepLocation CurrentPatientLocation
PerformedStationAETitle ScheduledStationAETitle DetectorID GantryID CassetteID PlateID DeviceUID
ReferringPhysicianAddress ReferringPhysicianTelephoneNumbers PersonAddress PersonTelephoneNumbers
ResponsibleOrganization ClinicalTrialSubjectID ClinicalTrialSiteID ClinicalTrialSiteName ClinicalTrialProtocolID
ImageComments
"""
OUR_WORDS = """
affine anonymized anonymous approved axial background body bundle case cases choice code columns coronal cube datalist
dataset date deidentified description detail dicom evaluation false fedbundle federation float frame geometry hospital
image images input inputs label labels male mask masks med medical modality mrs name nifti none null oblique origin
original patient pelvis phantom pixel prof prostate reason refused removed rows sagittal scanner series sha256 site
size slice slices space spacing split splits string study test text time training transition transverse true unknown
unspecified used validation version volume voxel weight zone zones
"""
ID_KEYWORDS = frozenset(IDS.split())
TELLING_VR = frozenset({"PN", "UI", "DA", "DT", "SQ", "UN", None})  # UN and implicit VR may be any of the others
OWN_WORDS = frozenset(OUR_WORDS.split())
DATE = re.compile(r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
DUMMY_DATES = frozenset({DUMMY_DATE, "00010101", "19700101", "18000101"})
SHORTEST_UID = 8
SHORTEST_NUMBER = 5
MIN_LETTERS = 3


def identifiers(dataset: Dataset, known: frozenset[str] = frozenset()) -> set[str]:
    """All identifying strings of a header, collected at every depth, by the rules above.

    Args:
        dataset: header as read by pydicom.
        known: attributes that are no secret here, as those of the scanner where its identity is kept.
    """
    found: set[str] = set()
    secret = _id_tags(known)
    with disable_value_validation():  # pydicom's warnings repeat the value
        for tag, vr, held in _elements(dataset, secret):
            texts = _values(held)
            if vr == "PN":
                found.update(part for name in texts for part in _name_parts(name))
            elif vr == "UI":
                found.update(uid for uid in texts if uid not in UID_dictionary and len(uid) >= SHORTEST_UID)
            elif vr in ("DA", "DT"):
                found.update(text[:8] for text in texts)
            elif tag in secret:
                found.update(texts)
    return {text for text in found if _telling(text)}


@cache
def _id_tags(known: frozenset[str]) -> frozenset[BaseTag]:
    return frozenset(map(tag_of, ID_KEYWORDS - known))


def _elements(dataset: Dataset, secret: frozenset[BaseTag]) -> Iterator[tuple[BaseTag, str, Any]]:
    """Tag, VR and value of all elements at every depth that may identify."""
    for tag, stored in dataset.items():  # raw: iterating a Dataset stops at the first value that cannot be parsed
        if isinstance(stored, RawDataElement):
            if stored.VR not in TELLING_VR and tag not in secret:
                continue
            if stored.VR in SIMPLE_VR:
                yield tag, stored.VR, value(dataset, tag)
                continue
        try:
            element = dataset[tag]
        except MALFORMED:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item, secret)
        else:
            yield tag, element.VR, element.value


def _values(held: Any) -> list[str]:
    parts = held if type(held) in SEVERAL else [held]
    return [text for part in parts if part is not None and (text := str(part).strip(" \0"))]


def _name_parts(name: str) -> Iterator[str]:
    """The whole name, each group (letters, ideographs, phonetics), and each word of it."""
    for part in (name, *name.split("=")):
        yield part.strip(" ^=")
        for word in re.split(r"[\s^=,;]+", part):
            yield word
            if all(half.isalpha() for half in word.split("-")):
                yield from word.split("-")


def _telling(text: str) -> bool:
    if text.casefold() in OWN_WORDS:
        return False
    if DATE.fullmatch(text):
        return text not in DUMMY_DATES
    if text.isdigit():
        return len(text) >= SHORTEST_NUMBER and len(set(text)) > 1
    if text.isascii():
        return sum(map(str.isalnum, text)) >= (MIN_LETTERS if text.isalpha() else MIN_LETTERS + 1)
    return len(text) >= 2  # one ideograph is a common word, two are a name
