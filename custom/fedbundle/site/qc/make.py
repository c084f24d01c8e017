"""Make `qc.html` of a dataset: one case at a time in memory, and those that did not change are not read again.

What the page tells of a case lies in `.qc/<case>`, with a digest of all that it was made from. It is a file of the
case like any other: what removes a case removes it too.
"""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fedbundle.bundle.layout import Bundle
from fedbundle.dicom.seg.dicom_out import CONFIG, read_dicom_out
from fedbundle.errors import OutputError, ResidualError
from fedbundle.files import new_file, read_json, write_text
from fedbundle.site.folder import DATALIST, LOOKS, PAGE
from fedbundle.site.journal import Journal, Line, files_of, used
from fedbundle.site.qc.measure import Grey, Image, Look, far, volumes
from fedbundle.site.qc.page import Content, Structure, render
from fedbundle.site.qc.pictures import draw
from fedbundle.site.report import Report

VERSION = 2  # of what is kept of a case; raise it when measures or pictures change
SHOWN = 500  # cases with pictures; 5 MB of page
COLORS = ("#e69f00", "#56b4e9", "#f05d9e", "#3ddc97", "#f0e442", "#c792ff")  # for a bundle that names none


@dataclass(frozen=True)
class Subject:
    """The dataset that the page is about, with its datalist written."""

    dataset: Path
    bundle: Bundle
    rules: dict[str, Any]  # configs/ingest.json
    journal: Journal

    @cached_property
    def structures(self) -> dict[int, Structure]:
        """What the values of a label map mean, without background, each with its colour."""
        named = {int(value): meaning for value, meaning in self.rules.get("label", {}).get("values", {}).items()}
        known: dict[int, str] = {}
        if (self.bundle.root / CONFIG).is_file():
            known = read_dicom_out(self.bundle.root).mask_colors
        values = [value for value in named if value]
        return {
            value: Structure(named[value], known.get(value, COLORS[place % len(COLORS)]))
            for place, value in enumerate(values)
        }


def make_page(subject: Subject, report: Report, leaking: Callable[[list[Path]], bool], shown: int = SHOWN) -> Path:
    """Write `qc.html` into the dataset, whose lock the caller holds; whole or not at all.

    Args:
        subject: the dataset.
        report: what the ingest did.
        leaking: whether files or folders hold an identifier of the source.
        shown: at most so many cases with pictures.

    Raises:
        OutputError: the dataset cannot be written.
        ResidualError: the page or `.qc/` held an identifier; neither of them nor an older page is kept.
    """
    page = subject.dataset / PAGE
    cases = {case: lines for case, lines in sorted(subject.journal.cases.items()) if used(lines)}
    looks = {}
    for case, lines in tqdm(cases.items(), desc="qc page", unit=" cases", disable=None):
        looks[case] = replace(_look(subject, case, lines), pictures={})
    doubts = far(looks, {value: structure.meaning for value, structure in subject.structures.items()})
    for outcome in report.outcomes:
        if outcome.kept:
            told = f"refused now with {outcome.code}; shown is what an earlier run made"
            doubts[outcome.case] = [told, *doubts.get(outcome.case, [])]
    first = sorted(cases, key=lambda case: (-len(doubts.get(case, [])), case))[:shown]
    content = Content(
        subject.bundle.name,
        report,
        subject.journal.cases,
        read_json(subject.dataset / DATALIST)["patients"],
        subject.structures,
        looks,
        doubts,
        {case: _look(subject, case, cases[case]).pictures for case in first},
    )
    with new_file(page) as part:
        part.write_text(render(content), encoding="utf-8")
        if leaking([part, subject.dataset / LOOKS]):
            page.unlink(missing_ok=True)
            shutil.rmtree(subject.dataset / LOOKS, ignore_errors=True)
            raise ResidualError(
                f"{PAGE} must hold no identifier of the source, got one; the page is not kept, the dataset is; "
                "report this as a bug"
            )
    return page


def _look(subject: Subject, case: str, lines: list[Line]) -> Look:
    """What the page tells of a case, from an earlier run where that saw the same files."""
    files = files_of(lines)
    colors = {value: structure.color for value, structure in subject.structures.items()}
    made_from = [VERSION, {key: file["sha256"] for key, file in files.items()}, colors]
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    kept = subject.dataset / LOOKS / case
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known.pop("made_from") == key:
            images = {role: Grey(**grey) for role, grey in known.pop("images").items()}
            return Look(images, **known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # absent, cut short or of another version
    try:
        look = _seen(subject, {key: subject.dataset / file["path"] for key, file in files.items()}, colors)
    except OutputError:
        raise
    except Exception as error:  # one bad file never hides the other cases
        return Look({}, {}, fault=f"its files cannot be read ({type(error).__name__})")
    write_text(kept, json.dumps({"made_from": key, **asdict(look)}, allow_nan=False))
    return look


def _seen(subject: Subject, files: dict[str, Path], colors: dict[int, str]) -> Look:
    label = subject.rules.get("label", {}).get("key")
    mask = Image.read(files[label]) if label in files else None
    images, pictures = {}, {}
    for role in (role for role in subject.rules["inputs"] if role in files):
        image = Image.read(files[role])
        images[role] = Grey.of(image)
        pictures[role] = "data:image/webp;base64," + base64.b64encode(draw(image, mask, colors)).decode()
    return Look(images, volumes(mask, colors) if mask else {}, pictures)
