"""What about the input a person should look at twice, whatever kind of result it gave."""

from fedbundle.clinic.study import Study
from fedbundle.dicom.header import text, tolerant
from fedbundle.dicom.inputs import Input
from fedbundle.dicom.patient import body_part
from fedbundle.dicom.seg.dicom_out import DicomOut

ROLE_NEEDS = {"body_part": "body part", "view": "view"}


def input_doubts(study: Study, wanted: DicomOut) -> list[str]:
    """Sentences for the reader; an empty list is no proof that the images are right."""
    told = _damage(study.damaged)
    for role, each in study.inputs.items():
        name = wanted.name_of(role)
        told += _unnamed(role, name, study)
        told += [
            f"{name} is not like the images that the bundle was made for: {breach.detail} ({breach.code})."
            for breach in study.breaches[role]
        ]
        told += _registered(name, each)
    return told


def _damage(files: int) -> list[str]:
    if not files:
        return []
    return [f"{files} of the study's files are empty or damaged: slices may be missing. Send it again from the PACS."]


def _unnamed(role: str, name: str, study: Study) -> list[str]:
    """What a rule of the role would have judged, had the header told it."""
    headers, rules = study.headers(role), study.rules[role]
    with tolerant():
        told = {"body_part": body_part(headers[0]), "view": text(headers[0], "ViewPosition")}
    lacking = [words for rule, words in ROLE_NEEDS.items() if rule in rules and not told[rule]]
    if not lacking:
        return []
    return [f"The header of {name} names no {' and no '.join(lacking)}: nobody has checked that it is the right one."]


def _registered(name: str, each: Input) -> list[str]:
    grid = each.told.get("grid", {})
    if grid.get("frame_of_reference") != "registered":
        return []
    moved = grid.get("registration", {})
    return [
        f"{name} has another frame of reference and was registered by its pixels (moved by "
        f"{moved.get('translation_mm', 0):.1f} mm and {moved.get('rotation_degrees', 0):.1f} degrees): check it."
    ]
