"""Classes on the page: a card per side, the table of probabilities, the film and what the network's map shows on it."""

from collections.abc import Sequence
from html import escape

from fedbundle.clinic.film import box_of, cut_out, whole
from fedbundle.clinic.side_result import SideResult
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import Category, ClassificationOut
from fedbundle.dicom.sides import NAMES
from fedbundle.page import picture, table

MAP_TOLD = (
    "The map comes from the network that gave the probabilities: the brighter, the more this part of the film spoke "
    "for the class named under it. It is no outline of a fracture, and no proof: a wrong network can have a map that "
    "looks right. Frames on the film are the parts that the map covers. The patient's right is at the left edge; sizes "
    "are those at the detector."
)


def summary(results: Sequence[SideResult], wanted: ClassificationOut) -> str:
    """Cards and table as HTML."""
    cards = "".join(
        f'<li><span class="swatch s{number}"></span>{_name(each)}'
        f"<strong>{escape(each.verdict(wanted).label)}</strong>"
        f"<small>{escape(each.best.label.lower())} {each.probabilities[each.best.value]:.2f}; "
        f"{escape(wanted.positive.lower())} of any kind {each.positive:.2f}</small></li>"
        for number, each in enumerate(results, start=1)
    )
    return f'<ul class="cards words">{cards}</ul>{_table(results, wanted)}'


def _table(results: Sequence[SideResult], wanted: ClassificationOut) -> str:
    grouping = [wanted.grouping.meaning] if wanted.grouping else []

    def row(each: Category) -> tuple[str, list[str]]:
        chosen = any(result.best is each for result in results)
        group = [each.group.meaning if each.group else "-"] if grouping else []
        numbers = [f"{result.probabilities[each.value]:.3f}" for result in results]
        return "used" if chosen else "", [each.label, *group, *numbers]

    rows = [row(each) for each in wanted.classes]
    together = [f"{wanted.positive} of any kind", *("" for _ in grouping)]
    rows.append(("", [*together, *(f"{each.positive:.3f}" for each in results)]))
    caption = "Probability of each class; bold where it is the likeliest of a side"
    return table(caption, ["Class", *grouping, *map(_name, results)], rows)


def pictures_of(film: Volume, results: Sequence[SideResult], wanted: ClassificationOut) -> str:
    """The film with a frame for each map, and each side without and with its map, as HTML."""
    across, down, _ = film.spacing
    boxes = {each.side: box_of(each.saliency, (across, down), each.side) for each in results}
    mapped = [each for each in results if each.saliency.any()]
    parts = [
        f'<p class="quiet">{escape(MAP_TOLD)}</p>',
        f'<div class="film">{_figure(whole(film, {each.side: boxes[each.side] for each in mapped}), "The film")}</div>',
    ]
    for each in results:
        side, box = _name(each), boxes[each.side]
        figures = [_figure(cut_out(film, box), f"{side}, without the map")]
        if each.saliency.any():
            told = f"{side}, what spoke for: {each.explains.label.lower()}"
            figures.append(_figure(cut_out(film, box, each.saliency), told))
        parts.append(
            f'<h3>{side}: {escape(each.verdict(wanted).label.lower())}</h3><div class="pair">{"".join(figures)}</div>'
        )
    return "".join(parts)


def _name(each: SideResult) -> str:
    return NAMES[each.side].capitalize()


def _figure(png: bytes, told: str) -> str:
    return f"<figure>{picture(png, told)}<figcaption>{escape(told)}</figcaption></figure>"
