"""Which images the network used, and which it had to do without: for one sentence of the page and for machines."""

from dataclasses import dataclass

from fedbundle.clinic.study import Study
from fedbundle.dicom.gate.verdict import USED
from fedbundle.dicom.seg.dicom_out import DicomOut

ABSENT, UNUSABLE = "absent", "unusable"


@dataclass(frozen=True)
class ImageUsed:
    """What became of one role."""

    role: str
    name: str  # what a reader calls it
    state: str  # used, absent (the study holds none) or unusable (it holds one that was meant for it)
    code: str  # reason code
    detail: str

    def data(self) -> dict[str, str]:
        """For result.json."""
        return {"state": self.state, "code": self.code, "detail": self.detail}


def images_used(study: Study, wanted: DicomOut) -> list[ImageUsed]:
    """Every role of the bundle, in its order."""
    return [_of(role, wanted.name_of(role), study) for role in study.rules]


def _of(role: str, name: str, study: Study) -> ImageUsed:
    for decision in study.choice.decisions:
        if decision.role == role:
            return ImageUsed(role, name, USED.lower(), decision.code, decision.detail)
    for decision in study.choice.decisions:
        if decision.meant_for == role:
            return ImageUsed(role, name, UNUSABLE, decision.code, decision.detail)
    return ImageUsed(role, name, ABSENT, "NO_SERIES_FOR_ROLE", "the study holds none")


def sentence(used: list[ImageUsed]) -> str:
    """Such as: the network used T2, ADC and high b, without PET (SUV), as the study holds none."""
    names = [each.name for each in used if each.state == USED.lower()]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    lacking = [f"without {each.name}: {_why(each)}" for each in used if each.state != USED.lower()]
    return f"The network used {', '.join([listed, *lacking])}."


def _why(used: ImageUsed) -> str:
    return used.detail if used.state == ABSENT else f"there is one, but it cannot be used ({used.code})"


def missing_doubts(used: list[ImageUsed]) -> list[str]:
    """Images that are there and could not be used."""
    return [
        f"{each.name} is in the study but was not used: {each.code}, {each.detail}. The result rests on the others."
        for each in used
        if each.state == UNUSABLE
    ]
