"""The page as HTML: counts, refusals, scanners, grey values, and every case as a picture. Pseudonyms only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from fedbundle.dicom.gate.roles import MEANT_CODES, NO_SERIES_FOR_ROLE
from fedbundle.dicom.gate.verdict import USED
from fedbundle.page import page, style_sheet, swatches
from fedbundle.site.dataset import SECTIONS
from fedbundle.site.journal import Line, used
from fedbundle.site.qc.charts import histogram
from fedbundle.site.qc.measure import Look
from fedbundle.site.refusal import STUDY_CODES
from fedbundle.site.report import Report
from fedbundle.site.wording import many

NAMED = 12  # pseudonyms that stand open in a row; more are folded
OPEN = 40  # rows of a table; more are folded
VENDOR_COLORS = 5


@dataclass(frozen=True)
class Structure:
    """A value of the label map."""

    meaning: str
    color: str  # #rrggbb


@dataclass(frozen=True)
class Content:
    """All that the page tells."""

    bundle: str
    report: Report
    journal: Mapping[str, list[Line]]  # lines by case
    sections: Mapping[str, str]  # patient -> section
    structures: Mapping[int, Structure]  # by label value
    looks: Mapping[str, Look]  # of every case in the dataset
    doubts: Mapping[str, list[str]]  # case -> why to look at it
    pictures: Mapping[str, dict[str, str]]  # case -> role -> data URI; those to look at first

    def section(self, case: str) -> str:
        """Section of the datalist that a case stands in."""
        return self.sections[self.journal[case][0]["patient"]]

    def moved(self, case: str) -> bool | None:
        """Geometry of a case was rebased; None where that is not on record."""
        volumes = [line for line in self.journal[case] if line["role"] and "text_in_pixels" not in line]
        told = [line["privacy"]["rebase"] if "privacy" in line else None for line in volumes]
        return told[0] if told else False

    def headers(self, case: str) -> dict[str, Line]:
        """Technical headers by role."""
        return {line["role"]: line["headers"] for line in self.journal[case] if line["role"]}


def render(content: Content) -> str:
    """The whole page."""
    style = [style_sheet("fedbundle.site.qc", "qc.css"), swatches(each.color for each in content.structures.values())]
    parts = [_head(content), _counts(content), _refused(content), _sections(content)]
    if content.looks:
        parts += [_scanners(content), _greys(content), _cases(content)]
    return page(f"{content.bundle}: dataset check", "\n".join(style), parts)


def _head(content: Content) -> str:
    refused, without = sum(content.report.refused.values()), _without_mask(content)
    told = [many(refused, "study was refused", "studies were refused")] if refused else []
    told += [many(len(content.doubts), "case stands out", "cases stand out")] if content.doubts else []
    told += [many(without, "case has no mask", "cases have no mask")] if without else []
    look = [f"Look at these: {', '.join(told)}."] if told else []
    look += [f"{warning[0].upper()}{warning[1:]}." for warning in content.report.warnings]
    verdicts = "".join(f'<p class="verdict look">{escape(each)}</p>' for each in look)
    verdicts = verdicts or '<p class="verdict">No study was refused and no case stands out.</p>'
    return f'<header><p class="over">Dataset check</p><h1>{escape(content.bundle)}</h1></header>{verdicts}'


def _without_mask(content: Content) -> int:
    return sum(not look.labels and not look.fault for look in content.looks.values()) if content.structures else 0


def _counts(content: Content) -> str:
    report, studies = content.report, content.report.data()["studies"]
    patients = sum(report.patients.values())
    masks = sum(bool(look.labels) for look in content.looks.values())
    cards = [
        ("Studies offered", studies["offered"], "by the source of the last ingest"),
        ("Used", studies["used"], "sound, and what the bundle wants"),
        ("Refused", sum(report.refused.values()), f"{report.kept} kept as before" if report.kept else "left out"),
        ("In the dataset", len(content.looks), f"cases of {many(patients, 'patient', 'patients')}"),
    ]
    cards += [("With masks", masks, f"of {many(len(content.looks), 'case', 'cases')}")] if content.structures else []
    shown = "".join(f"<li>{name}<strong>{count}</strong><small>{told}</small></li>" for name, count, told in cards)
    rest = [(report.skipped, "file is no DICOM image", "files are no DICOM images")]
    rest += [(report.damaged, "file is empty or damaged", "files are empty or damaged")]
    rest += [(report.excluded, "study is of a patient who was taken out", "studies are of patients who were taken out")]
    told = "; ".join(many(*each) for each in rest if each[0])
    line = f'<p class="quiet">{told}.</p>' if told else ""
    return f'<section aria-label="Counts"><ul class="cards">{shown}</ul>{line}</section>'


def _refused(content: Content) -> str:
    told = {outcome.case: outcome for outcome in content.report.outcomes if outcome.code != USED}
    nameless = [
        outcome.code
        for outcome in content.report.outcomes
        if outcome.code != USED and outcome.case not in content.journal
    ]
    studies: dict[tuple[str, str, str], list[str]] = {}
    for case, lines in content.journal.items():
        if not used(lines) or case in told:
            code = told[case].code if case in told else _code(lines)
            when = "this run" if case in told else "an earlier run"
            detail = "the case of an earlier run stays" if used(lines) else _detail(lines, code)
            studies.setdefault((code, detail, when), []).append(case)
    rows = [
        [_coded(code), str(len(cases)), escape(detail), _names(cases), when]
        for (code, detail, when), cases in sorted(studies.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    rows += [[_coded(code), str(count), "", "", "this run"] for code, count in sorted(Counter(nameless).items())]
    told_by = '<p class="quiet">What each code means and what to do stands in docs/reference/reason-codes.md.</p>'
    body = _table(["Code", "Studies", "What was found", "Cases", "In"], rows) + told_by if rows else "<p>None.</p>"
    return f"<section><h2>Refused studies</h2>{body}</section>"


def _sections(content: Content) -> str:
    """Cases by section, and series by reason."""
    rows = []
    for section in SECTIONS:
        inside = [case for case in content.looks if content.section(case) == section]
        masked = [str(sum(bool(content.looks[case].labels) for case in inside))] if content.structures else []
        rows.append([section, str(len(inside)), str(content.report.patients.get(section, 0)), *masked])
    head = ["Section", "Cases", "Patients", *(["Masks"] if content.structures else [])]
    series: dict[str, list[str]] = {}
    for lines in content.journal.values():
        for line in lines:
            if line["decision"] != "used":
                series.setdefault(line["code"], []).append(line["detail"])
    reasons = [
        [_coded(code), str(len(details)), escape(Counter(details).most_common(1)[0][0])]
        for code, details in sorted(series.items(), key=lambda item: -len(item[1]))
    ]
    unused = f"<h2>Series that are not used</h2>{_table(['Code', 'Series', 'Most often found'], reasons)}"
    return (
        f'<section class="halves"><div><h2>Split by patient</h2>{_table(head, rows)}</div>'
        f"<div>{unused if reasons else ''}</div></section>"
    )


def _code(lines: Iterable[Line]) -> str:
    """Code of a study that an earlier run refused."""
    return next((line["code"] for line in lines if line["code"] in STUDY_CODES), NO_SERIES_FOR_ROLE)


def _detail(lines: Sequence[Line], code: str) -> str:
    """What was found in a refused study: its own detail, else that of the series that may have been meant."""
    of_study = [line["detail"] for line in lines if line["code"] == code]
    meant = [f"{line['code']}: {line['detail']}" for line in lines if line["code"] in MEANT_CODES]
    others = [f"{count} x {code}" for code, count in sorted(Counter(line["code"] for line in lines).items())]
    return of_study[0] if of_study else "; ".join(sorted(set(meant)) or others)


def _scanners(content: Content) -> str:
    scanners: Counter[tuple[str, ...]] = Counter()
    grids: Counter[tuple[str, ...]] = Counter()
    for case, look in content.looks.items():
        for role, headers in content.headers(case).items():
            field = headers.get("field_strength_t")
            names = (str(headers.get("manufacturer", "not told")), str(headers.get("model", "not told")))
            scanners[(role, *names, f"{field:g} T" if field else "")] += 1
            if role in look.images:
                (width, height, step), size = look.images[role].spacing, look.images[role].size
                axes, plane = 2 if size[2] == 1 else 3, _times((f"{width:.2f}", f"{height:.2f}"))
                grids[(role, plane, f"{step:.2f}" if axes == 3 else "", _times(size[:axes]))] += 1
    tables = [
        ("Scanners", ["Role", "Vendor", "Model", "Field", "Cases"], scanners),
        ("Grids", ["Role", "In plane, mm", "Slice step, mm", "Size", "Cases"], grids),
    ]
    halves = "".join(
        f"<div><h2>{name}</h2>{_table(head, [[*map(escape, key), str(n)] for key, n in counts.most_common()])}</div>"
        for name, head, counts in tables
    )
    return f'<section class="halves">{halves}</section>'


def _greys(content: Content) -> str:
    vendors = Counter(
        headers.get("manufacturer", "not told") for case in content.looks for headers in content.headers(case).values()
    )
    kinds = {vendor: f"v{min(n, VENDOR_COLORS)}" for n, (vendor, _) in enumerate(vendors.most_common(), start=1)}
    legend = "".join(f'<li><span class="line {kind}"></span>{escape(name)}</li>' for name, kind in kinds.items())
    charts = []
    for role in dict.fromkeys(role for look in content.looks.values() for role in look.images):
        odd = {case for case, told in content.doubts.items() if any(f"grey values of {role} " in each for each in told)}
        lines = [
            (case, "far" if case in odd else kinds[content.headers(case)[role].get("manufacturer", "not told")], grey)
            for case, look in sorted(content.looks.items(), key=lambda item: item[0] not in odd)
            if (grey := look.images.get(role))
        ]
        chart = histogram(lines, f"grey values of {role}, one line per case")
        charts.append(f'<figure class="chart"><figcaption>{escape(role)}</figcaption>{chart}</figure>')
    return (
        '<section><h2>Grey values</h2><p class="quiet">One line per case; a line apart from the others is another '
        'scanner, another sequence or an inverted film.</p><ul class="legend">'
        f'<li><span class="line median"></span>median</li><li><span class="line far"></span>stands out</li>'
        f"{legend}</ul>"
        f'<div class="charts">{"".join(charts)}</div></section>'
    )


def _cases(content: Content) -> str:
    swatch = "".join(
        f'<li><span class="swatch s{number}"></span>{escape(structure.meaning)}</li>'
        for number, structure in enumerate(content.structures.values(), start=1)
    )
    place = (
        "Volumes: the patient's right at the left edge, head or front at the top, oblique ones at their nearest axes."
    )
    moved = {content.moved(case) for case in content.looks}
    if moved == {True}:
        place = "Geometry was rebased, so the edges of volumes are not the patient's sides."
    elif moved != {False}:
        place += " Not so of those that are marked as rebased, or perhaps rebased."
    marks = {True: ", rebased", None: ", perhaps rebased"} if len(moved) > 1 or None in moved else {}
    more = len(content.looks) - len(content.pictures)
    rest = f'<p class="quiet">And {many(more, "case", "cases")} more without a picture.</p>' if more else ""
    cards = "".join(_card(content, case, marks.get(content.moved(case), "")) for case in content.pictures)
    return (
        f'<section><h2>Cases</h2><p class="quiet">Those that stand out come first. {place} Radiographs: as stored.</p>'
        f'<ul class="legend">{swatch}</ul><div class="wall">{cards}</div>{rest}</section>'
    )


def _card(content: Content, case: str, mark: str) -> str:
    look, flags = content.looks[case], content.doubts.get(case, [])
    several = len(look.images) > 1
    images = []
    for role, grey in look.images.items():
        axes = 2 if grey.size[2] == 1 else 3
        told = f"{_times(grey.size[:axes])}, {_times(f'{mm:.3g}' for mm in grey.spacing[:axes])} mm"
        name = f"{role}: " if several else ""
        uri = content.pictures[case].get(role, "")
        picture = f'<img alt="{escape(f"{role} of case {case}")}" decoding="async" src="{escape(uri)}">'
        images.append(f"<figure>{picture}<figcaption>{escape(name + told)}</figcaption></figure>")
    unit = "cm²" if look.flat else "mL"
    sizes = "".join(
        f'<span><span class="swatch s{number}"></span>{look.labels[str(value)]:.1f} {unit}</span>'
        for number, value in enumerate(content.structures, start=1)
        if str(value) in look.labels
    )
    if content.structures and not look.labels and not look.fault:
        sizes = '<span class="none">no mask</span>'
    told = "".join(f"<li>{escape(flag)}</li>" for flag in flags)
    return (
        f'<article class="case{" odd" if flags else ""}">'
        f"<h3><code>{case}</code><span>{content.section(case)}{mark}</span></h3>"
        f"{f'<ul class=flags>{told}</ul>' if flags else ''}{''.join(images)}"
        f"{f'<p class=volumes>{sizes}</p>' if sizes else ''}</article>"
    )


def _coded(code: str) -> str:
    return f"<code>{escape(code)}</code>"


def _names(cases: Sequence[str]) -> str:
    named = " ".join(f"<code>{case}</code>" for case in cases)
    return named if len(cases) <= NAMED else f"<details><summary>{len(cases)} cases</summary>{named}</details>"


def _times(numbers: Iterable[object]) -> str:
    return "\u00a0x\u00a0".join(map(str, numbers))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells in HTML; columns of numbers stand at the right, and what is beyond OPEN rows is folded."""
    right = [all(row[column].isdigit() for row in rows) for column in range(len(head))]

    def line(cells: Sequence[str], name: str) -> str:
        marks = [" class=number" if number else "" for number in right]
        return f"<tr>{''.join(f'<{name}{mark}>{cell}</{name}>' for cell, mark in zip(cells, marks, strict=True))}</tr>"

    def table(rows: Sequence[Sequence[str]]) -> str:
        body = "".join(line(row, "td") for row in rows)
        return f'<div class="scroll"><table><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table></div>'

    more = rows[OPEN:]
    folded = f"<details><summary>{len(more)} more</summary>{table(more)}</details>" if more else ""
    return table(rows[:OPEN]) + folded
