"""Keyed pseudonyms and keyed numbers: the same in every process and on every day, useless without the site's key."""

import hashlib
import hmac

from pydicom import Dataset
from pydicom.uid import UID_dictionary

from fedbundle.errors import DicomError


def pseudonym(key: bytes, *parts: str) -> str:
    """16 hexadecimal digits of HMAC-SHA256 over `parts`; parts cannot run into each other ("a", "bc" is not "ab", "c").

    Raises:
        ValueError: the key is shorter than 16 bytes, so pseudonyms could be found by trial.
    """
    return _digest(key, *parts).hex()[:16]


def pseudonym_uid(key: bytes, uid: str) -> str:
    """The UID that stands for `uid`: 2.25.<128-bit integer from HMAC-SHA256> (PS3.5 B.2); registered UIDs stay.

    Registered are those of PS3.6 Annex A (SOP classes, transfer syntaxes, well-known frames), which name no patient.
    """
    if uid in UID_dictionary:
        return uid
    return f"2.25.{int.from_bytes(_digest(key, 'uid', uid)[:16], 'big')}"


def patient_pseudonym(dataset: Dataset, key: bytes) -> str:
    """Pseudonym of the patient of `dataset`, from PatientID alone (names are spelled in many ways).

    Raises:
        DicomError: neither PatientID nor StudyInstanceUID is there; without PatientID each study is its own patient.
    """
    patient, study = (str(dataset.get(name) or "").strip() for name in ("PatientID", "StudyInstanceUID"))
    if patient:
        return pseudonym(key, "patient", patient)
    if study:
        return pseudonym(key, "patient of study", study)
    raise DicomError("image must name its patient or its study, got neither; send it from the PACS again")


def keyed_fraction(key: bytes, *parts: str) -> float:
    """A number from 0 (included) to 1 (excluded), evenly spread over all `parts`."""
    return (int.from_bytes(_digest(key, *parts)[:8], "big") >> 11) / 2**53


def _digest(key: bytes, *parts: str) -> bytes:
    if len(key) < 16:
        raise ValueError(f"key must be at least 16 bytes, got {len(key)}; use the key of the site home")
    message = b"".join(b"%d:%b" % (len(part), part) for part in (text.encode() for text in parts))
    return hmac.new(key, message, hashlib.sha256).digest()
