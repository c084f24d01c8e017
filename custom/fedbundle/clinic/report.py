"""The page for the clinician: one file, no script, nothing loaded from anywhere, no identifier of the patient."""

from html import escape

from fedbundle.bundle.digest import short
from fedbundle.clinic.measure import Measured
from fedbundle.clinic.pictures import Picture
from fedbundle.clinic.prediction import Prediction
from fedbundle.clinic.training import Training
from fedbundle.dicom.gate.verdict import USED
from fedbundle.page import page, picture, style_sheet, swatches, table


def report(prediction: Prediction) -> str:
    """The whole page as HTML; every text of the bundle or study is escaped."""
    style = style_sheet("fedbundle.clinic", "report.css")
    colors = swatches(segment.color for segment in prediction.segments)
    return page(
        f"{prediction.wanted.title}: AI segmentation, research use only",
        f"{style}\n{colors}",
        [
            _head(prediction),
            _numbers(prediction),
            _pictures(prediction),
            _input(prediction),
            _model(prediction),
            _limits(),
        ],
    )


def _numbered(prediction: Prediction) -> list[tuple[int, Measured]]:
    return list(enumerate(prediction.segments, start=1))


def _head(prediction: Prediction) -> str:
    name = str(prediction.bundle.metadata.get("name") or prediction.bundle.name)
    alert = "".join(f"<p>{escape(warning)}</p>" for warning in prediction.warnings)
    return (
        '<header><p class="over">AI segmentation report</p>'
        f"<h1>{escape(prediction.wanted.title)}</h1>"
        f'<p class="quiet">{escape(name)}, version {escape(prediction.bundle.version)}, '
        f"release <code>{short(prediction.release_digest)}</code></p></header>"
        f'<div class="alert" role="note">{alert}</div>'
    )


def _numbers(prediction: Prediction) -> str:
    cards = [_card(measured, f"s{number}") for number, measured in _numbered(prediction)]
    if prediction.total:
        cards.insert(0, _card(prediction.total, ""))
    doubts = "".join(f"<li>{escape(doubt)}</li>" for doubt in prediction.doubts)
    alert = f'<div class="alert" role="note"><p>Look twice</p><ul class="doubts">{doubts}</ul></div>' if doubts else ""
    return f'<section aria-label="Volumes"><ul class="cards">{"".join(cards)}</ul>{alert}</section>'


def _card(measured: Measured, segment: str) -> str:
    swatch = f'<span class="swatch {segment}"></span>' if segment else ""
    slices = f"{measured.slices} slice{'' if measured.slices == 1 else 's'}"
    return (
        f"<li>{swatch}{escape(measured.label)}"
        f'<strong>{measured.volume_ml:.1f} <span class="unit">mL</span></strong><small>on {slices}</small></li>'
    )


def _pictures(prediction: Prediction) -> str:
    legend = "".join(
        f'<li><span class="swatch s{number}"></span>{escape(measured.label)}</li>'
        for number, measured in _numbered(prediction)
    )
    groups: dict[str, list[str]] = {"pair": [], "grid": [], "across": []}
    for index, drawn in enumerate(prediction.pictures):
        group = "pair" if index < 2 else "across" if drawn.number is None else "grid"
        groups[group].append(_figure(prediction, drawn))
    parts = [
        "<section><h2>Pictures</h2>",
        '<p class="quiet">Radiological convention: the patient\'s right is at the left edge. Letters name the sides '
        "(R right, L left, A front, P back, S head, I feet). Outlines run inside the outermost voxels.</p>",
        f'<ul class="legend">{legend}</ul>',
        f'<div class="pair">{"".join(groups["pair"])}</div>',
    ]
    if groups["grid"]:
        parts.append(f'<h3>Slice by slice</h3><div class="grid">{"".join(groups["grid"])}</div>')
    if groups["across"]:
        parts.append(f'<h3>Across the slices</h3><div class="pair">{"".join(groups["across"])}</div>')
    return "".join([*parts, "</section>"])


def _figure(prediction: Prediction, drawn: Picture) -> str:
    place = f"{drawn.plane}, rebuilt across the slices"
    if drawn.number is not None:
        image = prediction.image_numbers[drawn.number]
        place = f"{drawn.plane}, {f'image {image}' if image else f'slice {drawn.number + 1}'}"
    told = f"{place}{'' if drawn.outlined else ', without outlines'}"
    return f"<figure>{picture(drawn.png, told)}<figcaption>{escape(told[0].upper() + told[1:])}</figcaption></figure>"


def _input(prediction: Prediction) -> str:
    slices, rows, columns = prediction.volume.array.shape
    width, height, step = prediction.volume.spacing
    used = [series for series in prediction.series if series.role]
    told = f"{len(used)} of {len(prediction.series)} series of the study was used" if len(used) == 1 else ""
    told = told or f"{len(used)} of {len(prediction.series)} series of the study were used"
    body = [
        (
            "used" if series.code == USED else "",
            [series.number or "-", f"used: {series.role}" if series.role else "not used", series.code, series.detail],
        )
        for series in prediction.series
    ]
    return (
        f"<section><h2>Which images</h2><p>{told}. The segmentation has their grid: {columns} x {rows} x {slices} "
        f"voxels of {width:.3g} x {height:.3g} x {step:.3g} mm.</p>"
        + table("Every series of the study, and why", ["Series", "Role", "Code", "What was found"], body)
        + "</section>"
    )


def _model(prediction: Prediction) -> str:
    bundle = prediction.bundle
    checked = (
        "checked against the bundle's own record" if prediction.exported else "computed; the bundle carries no record"
    )
    rows = [
        ("Bundle", f"<code>{escape(bundle.name)}</code>, version {escape(bundle.version)}"),
        ("Task", escape(str(bundle.metadata["task"]))),
        ("Intended use", escape(str(bundle.metadata.get("intended_use") or "not stated"))),
        ("Training data", escape(str(bundle.metadata.get("data_source") or "not stated"))),
        ("Recipe digest", f"<code>{escape(prediction.recipe_digest)}</code>"),
        ("Release digest", f"<code>{escape(prediction.release_digest)}</code><br>{checked}"),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f"<section><h2>The model</h2><dl>{listed}</dl>{_training(prediction.training)}</section>"


def _training(training: Training | None) -> str:
    if training is None:
        return "<h3>Training</h3><p>The bundle carries no training record, so nothing can be told about it here.</p>"
    sites = [
        ("", [site.name, str(site.rounds), site.cases, site.state or "took part to the end"]) for site in training.sites
    ]
    told = (
        f"<h3>Training</h3><p>Federated: {len(training.sites)} sites, {training.rounds} rounds, outcome "
        f"{escape(training.outcome.lower())}. No image left its site.</p>"
        + table("Who took part", ["Site", "Rounds", "Training cases", "State"], sites)
    )
    if training.results:
        told += "<h3>How it did at each site</h3>" + table(
            "Mean over the test cases of each site, with 95 % confidence interval; n = cases",
            ["Evaluation", "Site", "n", *training.metrics],
            [("", row) for row in training.results],
        )
    return told


def _limits() -> str:
    return (
        "<section><h2>What the numbers do not say</h2>"
        "<p>A volume is the number of voxels times their size. It has no confidence interval, and an outline that "
        "looks smooth can be wrong. Results at the training sites hold for their scanners and patients. The DICOM "
        "segmentation beside this page was read back: it has the same voxels at the same place as the pictures.</p>"
        "</section>"
    )
