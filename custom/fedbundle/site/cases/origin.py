"""Keyed digests of all that a case is made from: a change of any of it makes the case anew."""

import json
from collections.abc import Mapping

from fedbundle.dicom.deid.pseudonyms import pseudonym
from fedbundle.dicom.gate.roles import Choice
from fedbundle.dicom.header import text
from fedbundle.dicom.sources.announced import Announced
from fedbundle.site.cases.workplace import Workplace, digest_of
from fedbundle.site.journal import Line, used


def fingerprint(choice: Choice, study_uid: str, place: Workplace) -> str:
    """Keyed digest of all that a case is made from; a change of any of it makes the case anew."""
    parts = _asked_of(study_uid, place)
    for role, series in choice.chosen.items():
        parts += [role, series.told, *(text(header, "SOPInstanceUID") for header in series.headers)]
        parts += [digest_of(file) for file in dict.fromkeys(series.files)]  # one mended in place may keep size and time
    return pseudonym(place.key, "source", *parts)


def mark_of(study_uid: str, announced: Mapping[str, Announced], place: Workplace) -> str:
    """Keyed digest of all that decides about a study but its images: patient, series and counts, rules, mask."""
    counts = [f"{uid} {told.instances} {told.patient_id}" for uid, told in sorted(announced.items())]
    return pseudonym(place.key, "announced", study_uid, *counts, *_asked_of(study_uid, place))


def made_from(lines: list[Line], source: str) -> bool:
    """An earlier run made a case of this source."""
    return used(lines) and all(line["source"] == source for line in lines if line["role"])


MADE = 1  # raise it when the same sources and rules give other files; all cases are made anew then


def _asked_of(study_uid: str, place: Workplace) -> list[str]:
    """What a case is made from beside the images."""
    parts = [str(MADE), place.rules_digest, repr(place.keep_dicom), place.suffix, json.dumps(place.privacy)]
    if labels := place.labels.studies.get(study_uid) if place.labels else None:
        parts += [digest_of(file) for file in labels.files]
        parts.append(json.dumps(labels.rows, sort_keys=True))
    return parts
