"""Risks on the page: a card per side, the table of horizons, the curve with its spread, the film."""

import io
from collections.abc import Sequence
from html import escape

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fedbundle.clinic.film import whole
from fedbundle.clinic.risk_result import RiskResult
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.seg.dicom_out import RiskOut
from fedbundle.dicom.sides import NAMES
from fedbundle.page import picture, table

COLORS = {"R": "#0072b2", "L": "#d55e00"}  # apart for the colour-blind; lines differ too
LINES = {"R": "-", "L": "--"}
SPREAD = (
    "The band goes from the 2.5th to the 97.5th percentile of the risk over repeated passes of the network's last "
    "layers with their dropout at work: how much the answer hangs on single weights of these. What the "
    "layers that read the film leave open is not in it. It is no confidence interval of this patient's risk; how often "
    "the true risk lies within has not been measured."
)
NO_SPREAD = "The bundle gives no interval, so none is drawn: how sure the curve is cannot be told."


def summary(results: Sequence[RiskResult], wanted: RiskOut) -> str:
    """Cards and table as HTML."""
    last = wanted.horizons_years[-1]
    cards = "".join(
        f'<li><span class="swatch s{number}"></span>{_name(each)}<strong>{told(each, last)}</strong>'
        f"<small>risk of a {escape(wanted.event)} within {last} years</small></li>"
        for number, each in enumerate(results, start=1)
    )
    rows = [("", [f"{year}", *(told(each, year) for each in results)]) for year in wanted.horizons_years]
    caption = f"Risk of a {wanted.event} up to each time, in per cent, of one who does not die before"
    known = [("", [name, *_known(column, results)]) for column, name in wanted.factors.items()]
    factors = table("Risk factors", ["Factor", "Known"], known) if known else ""
    return f'<ul class="cards">{cards}</ul>{table(caption, ["Years", *map(_name, results)], rows)}{factors}'


def told(each: RiskResult, years: float) -> str:
    """Risk at a horizon in per cent, with the spread in parentheses where there is one."""
    risk, low, high = each.at(years)
    spread = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return f"{100 * risk:.1f} %{spread}"


def pictures_of(film: Volume, results: Sequence[RiskResult], wanted: RiskOut) -> str:
    """The curve of each side in one picture, and the film, as HTML."""
    words = SPREAD if all(each.low for each in results) else NO_SPREAD
    named = f"Risk of a {wanted.event} over the years"
    return (
        f'<div class="natural">{_figure(curve(results, wanted), named)}{_figure(whole(film, {}), "The film")}</div>'
        f'<p class="quiet">{escape(words)} The patient\'s right is at the left edge of the film.</p>'
    )


def curve(results: Sequence[RiskResult], wanted: RiskOut) -> bytes:
    """PNG of the risk over the years, a line per side and a band where there is a spread."""
    figure = Figure(figsize=(6.4, 4.4), dpi=120)
    axes = figure.add_subplot()
    for each in results:
        color, percent = COLORS[each.side], [100 * value for value in each.risk]
        axes.plot(each.years, percent, LINES[each.side], color=color, label=f"{_name(each)} hip")
        if each.low:
            low, high = ([100 * value for value in edge] for edge in (each.low, each.high))
            axes.fill_between(each.years, low, high, color=color, alpha=0.2, linewidth=0)
        marks = [100 * each.at(year)[0] for year in wanted.horizons_years]
        axes.plot(wanted.horizons_years, marks, "o", color=color, markersize=4)
    axes.set_xlabel("years after the film")
    axes.set_ylabel(f"risk of a {wanted.event}, %")
    axes.set_xlim(0, results[0].years[-1])
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="upper left")
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(stream, format="png", metadata={"Software": None}, bbox_inches="tight")
    return stream.getvalue()


def _known(column: str, results: Sequence[RiskResult]) -> list[str]:
    return ["not known" if any(column in each.missing for each in results) else "yes"]


def _name(each: RiskResult) -> str:
    return NAMES[each.side].capitalize()


def _figure(png: bytes, words: str) -> str:
    return f"<figure>{picture(png, words)}<figcaption>{escape(words)}</figcaption></figure>"
