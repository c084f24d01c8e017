"""Candidates on the page: score, table, and each of them on all images that were used."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from fedbundle.clinic.candidates import Candidate
from fedbundle.clinic.pictures import pictures
from fedbundle.clinic.slices_shown import image_numbers, legend, shown
from fedbundle.clinic.study import Study
from fedbundle.clinic.views import views
from fedbundle.dicom.seg.dicom_out import DetectionOut
from fedbundle.page import table


def name_of(each: Candidate, wanted: DetectionOut) -> str:
    """Such as `Lesion candidate 1`."""
    return f"{wanted.candidate.label} {each.number}"


def summary(
    study: Study, wanted: DetectionOut, score: float, found: Sequence[Candidate], weaker: Sequence[float]
) -> str:
    """Score of the patient and number of candidates as cards, and a table of them, as HTML."""
    left_out = f", {len(weaker)} weaker left out" if weaker else ""
    cards = (
        f"<li>Patient score<strong>{score:.2f}</strong><small>the highest of all candidates, 0 to 1</small></li>"
        f"<li>Candidates<strong>{len(found)}</strong>"
        f"<small>with a score of {wanted.report_from:g} or more{left_out}</small></li>"
    )
    return f'<ul class="cards">{cards}</ul>{_table(study, wanted, found)}'


def _table(study: Study, wanted: DetectionOut, found: Sequence[Candidate]) -> str:
    if not found:
        return f"<p>No {escape(wanted.candidate.label.lower())} was found.</p>"
    numbers = image_numbers(study, wanted.input)
    head = ["Candidate", "Score", "Volume", "Largest diameter", f"Best seen on image of {wanted.name_of(wanted.input)}"]
    rows = []
    for each in found:
        place = numbers[each.middle] or str(each.middle + 1)
        size = (f"{each.volume_ml:.2f} mL", f"{each.diameter_mm:.0f} mm")
        rows.append(("", [name_of(each, wanted), f"{each.score:.2f}", *size, place]))
    return table("By falling score", head, rows)


def pictures_of(
    study: Study, wanted: DetectionOut, labels: NDArray[np.uint8], found: Sequence[Candidate], colors: Sequence[str]
) -> str:
    """Each candidate on all images, then all of them on the slices, as HTML.

    Args:
        study: the images.
        wanted: names of roles and candidates.
        labels: [slice, row, column], 0 or the number of a candidate.
        found: the candidates.
        colors: of them.
    """
    color = {each.number: color for each, color in zip(found, colors, strict=True)}
    named = [f"{name_of(each, wanted)}, score {each.score:.2f}" for each in found]
    on_all = [
        f"<h3>{escape(name)}</h3>{views(study, wanted, labels, {each.number: color[each.number]})}"
        for each, name in zip(found, named, strict=True)
    ]
    drawn = pictures(study.volume(wanted.input), labels, color)
    slices = shown(drawn if found else drawn[:1], image_numbers(study, wanted.input))
    return "".join([legend(named), *on_all, f"<h3>{'All candidates' if found else 'The middle slice'}</h3>", slices])
