"""Pictures of slices on the page: in pairs and grids, each with the place it shows."""

from collections.abc import Sequence
from html import escape

from fedbundle.clinic.pictures import Picture
from fedbundle.clinic.study import Study
from fedbundle.dicom.header import text, tolerant
from fedbundle.page import picture

CONVENTION = (
    "Radiological convention: the patient's right is at the left edge. Letters name the sides (R right, L left, "
    "A front, P back, S head, I feet). Outlines run inside the outermost voxels."
)


def image_numbers(study: Study, role: str) -> list[str]:
    """Instance Number of each slice of a role, "" when absent."""
    with tolerant():
        return [text(header, "InstanceNumber") for header in study.headers(role)]


def legend(labels: Sequence[str]) -> str:
    """What each colour means; classes s1, s2, ... in the order given."""
    items = "".join(
        f'<li><span class="swatch s{number}"></span>{escape(label)}</li>'
        for number, label in enumerate(labels, start=1)
    )
    return f'<p class="quiet">{CONVENTION}</p><ul class="legend">{items}</ul>'


def shown(drawn: Sequence[Picture], numbers: Sequence[str]) -> str:
    """Overview in a pair, slices in a grid, reformats in a pair, as `pictures` gives them."""
    groups: dict[str, list[str]] = {"pair": [], "grid": [], "across": []}
    for index, each in enumerate(drawn):
        group = "pair" if index < 2 else "across" if each.number is None else "grid"
        groups[group].append(figure(each, place_of(each, numbers)))
    parts = [f'<div class="pair">{"".join(groups["pair"])}</div>']
    if groups["grid"]:
        parts.append(f'<h3>Slice by slice</h3><div class="grid">{"".join(groups["grid"])}</div>')
    if groups["across"]:
        parts.append(f'<h3>Across the slices</h3><div class="pair">{"".join(groups["across"])}</div>')
    return "".join(parts)


def place_of(drawn: Picture, numbers: Sequence[str]) -> str:
    """Plane and image number of a picture."""
    place = f"{drawn.plane}, rebuilt across the slices"
    if drawn.number is not None:
        image = numbers[drawn.number]
        place = f"{drawn.plane}, {f'image {image}' if image else f'slice {drawn.number + 1}'}"
    return f"{place}{'' if drawn.outlined else ', without outlines'}"


def figure(drawn: Picture, told: str) -> str:
    """A picture with its caption."""
    told = told[0].upper() + told[1:]
    return f"<figure>{picture(drawn.png, told)}<figcaption>{escape(told)}</figcaption></figure>"
