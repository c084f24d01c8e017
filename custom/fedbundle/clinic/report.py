"""The page for the clinician: one file, no script, nothing loaded from anywhere, no identifier of the patient."""

from html import escape

from fedbundle.bundle.digest import short
from fedbundle.clinic.images_used import sentence
from fedbundle.clinic.prediction import Prediction
from fedbundle.clinic.training import Training
from fedbundle.dicom.gate.verdict import USED
from fedbundle.page import page, style_sheet, swatches, table


def report(prediction: Prediction) -> str:
    """The whole page as HTML; every text of the bundle or study is escaped."""
    findings = prediction.findings
    style = style_sheet("fedbundle.clinic", "report.css")
    return page(
        f"{prediction.wanted.title}: AI {findings.kind}, research use only",
        f"{style}\n{swatches(findings.colors)}",
        [
            _head(prediction),
            _numbers(prediction),
            f"<section><h2>Pictures</h2>{findings.pictures()}</section>",
            _input(prediction),
            _model(prediction),
            _limits(findings.limits),
        ],
    )


def _head(prediction: Prediction) -> str:
    name = str(prediction.bundle.metadata.get("name") or prediction.bundle.name)
    alert = "".join(f"<p>{escape(warning)}</p>" for warning in prediction.warnings)
    return (
        f'<header><p class="over">AI {prediction.findings.kind} report</p>'
        f"<h1>{escape(prediction.wanted.title)}</h1>"
        f'<p class="quiet">{escape(name)}, version {escape(prediction.bundle.version)}, '
        f"release <code>{short(prediction.release_digest)}</code></p></header>"
        f'<div class="alert" role="note">{alert}</div>'
    )


def _numbers(prediction: Prediction) -> str:
    doubts = "".join(f"<li>{escape(doubt)}</li>" for doubt in prediction.doubts)
    alert = f'<div class="alert" role="note"><p>Look twice</p><ul class="doubts">{doubts}</ul></div>' if doubts else ""
    used = f'<p class="used">{escape(sentence(list(prediction.used)))}</p>'
    return f'<section aria-label="Results">{prediction.findings.summary()}{used}{alert}</section>'


def _input(prediction: Prediction) -> str:
    slices, rows, columns = prediction.volume.array.shape
    width, height, step = prediction.volume.spacing
    used = [series for series in prediction.series if series.role]
    count = f"{len(used)} of {len(prediction.series)} series of the study {'was' if len(used) == 1 else 'were'} used"
    size = f"{columns} x {rows} pixels of {width:.3g} x {height:.3g} mm"
    if slices > 1:
        size = f"{columns} x {rows} x {slices} voxels of {width:.3g} x {height:.3g} x {step:.3g} mm"
    name = prediction.wanted.name_of
    body = [
        (
            "used" if series.code == USED else "",
            [
                series.number or "-",
                f"used: {name(series.role)}" if series.role else "not used",
                series.code,
                series.detail,
            ],
        )
        for series in prediction.series
    ]
    return (
        f"<section><h2>Which images</h2><p>{count}. The result lies on the grid of "
        f"{escape(name(prediction.wanted.input))}: {size}.</p>"
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
            "On the test cases of each site, with 95 % confidence interval; n = cases",
            ["Evaluation", "Site", "n", *training.metrics],
            [("", row) for row in training.results],
        )
    return told


def _limits(told: str) -> str:
    return (
        f"<section><h2>What the numbers do not say</h2><p>{escape(told)} Results at the training sites hold for their "
        "scanners and patients.</p></section>"
    )
