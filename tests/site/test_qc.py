"""qc.html: true, without identifiers, made from what is kept of each case, and readable in a real browser."""

import base64
import io
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from samples.browser import browser
from samples.dicom_series import BIRTH_DATE, ROOT, STUDY_DATE, Stack
from samples.labelled_site import LabelledSite

from fedbundle.errors import OutputError, ResidualError
from fedbundle.files import read_json
from fedbundle.site import ingest as ingesting
from fedbundle.site.exclude import exclude
from fedbundle.site.qc import make, measure
from fedbundle.site.qc.measure import Grey, Image, Look, far
from fedbundle.site.qc.pictures import EDGE, SMALL, draw
from fedbundle.site.report import Report

URI = re.compile(r"data:image/webp;base64,([A-Za-z0-9+/=]+)")
CANARIES = ("Testperson", "Zebulon", "Referrer", "Quentin", "PAT-00", "ACC-99123", STUDY_DATE, BIRTH_DATE, ROOT)
COLORS = {1: "#ff0000", 2: "#0000ff"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> LabelledSite:
    """Three sound studies and one that lost a slice, ingested."""
    site = LabelledSite.make(tmp_path_factory.mktemp("qc") / "site", repository, 4)
    labels = site.sheet(4)
    (site.dicom / "Testperson_Zebulon_2" / "1" / "005").unlink()
    site.ingest(labels)
    return site


@pytest.fixture
def site(made: LabelledSite, tmp_path: Path) -> LabelledSite:
    """A copy of it."""
    return made.copy(tmp_path / "site")


def page_of(site: LabelledSite) -> Path:
    """Where the page lies."""
    return site.home.dataset_dir("prostate_mri_zones") / "qc.html"


def again(site: LabelledSite) -> Report:
    """Ingest once more."""
    return site.ingest(site.labels / "labels.csv")


def looks(site: LabelledSite) -> dict[str, bytes]:
    """What is kept of each case."""
    return {entry.name: entry.read_bytes() for entry in (page_of(site).parent / ".qc").iterdir()}


def test_it_counts_and_names_each_case_and_each_refusal(made: LabelledSite) -> None:
    html = page_of(made).read_text()
    for line in made.lines():
        assert line["case"] in html
        assert line["code"] in html or line["decision"] == "used"
        assert line["patient"] not in html
    assert re.findall(r"<li>([A-Za-z ]+)<strong>(\d+)", html) == [
        ("Studies offered", "4"),
        ("Used", "3"),
        ("Refused", "1"),
        ("In the dataset", "3"),
        ("With masks", "3"),
    ]
    refused = next(line for line in made.lines() if line["code"] == "MISSING_SLICE")
    assert refused["detail"] in unescape(html)
    assert len(URI.findall(html)) == 3
    size = 27 * 0.9 * 0.7 * 3.0 / 1000  # mL: voxels of the transition zone, and the edges of one in mm
    for kept in map(read_json, (page_of(made).parent / ".qc").iterdir()):
        assert kept["labels"]["1"] == pytest.approx(size, abs=5e-4)


def test_no_identifier_is_on_it_and_pictures_hold_pixels_only(made: LabelledSite) -> None:
    html = page_of(made).read_text()
    for kept in (html, *(content.decode() for content in looks(made).values())):
        assert [canary for canary in CANARIES if canary in URI.sub("", kept)] == []
    for found in URI.findall(html):
        content = base64.b64decode(found)
        assert content[12:16] == b"VP8 "  # the simple format, which has no place for metadata
        assert 12 + 8 + int.from_bytes(content[16:20], "little") + content[16] % 2 == len(content)


def test_a_page_that_holds_an_identifier_is_not_kept(site: LabelledSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "render", lambda _: f"<p>born {BIRTH_DATE}</p>")
    with pytest.raises(ResidualError, match=r"qc.html must hold no identifier"):
        again(site)
    assert not page_of(site).exists()


def test_what_is_kept_of_a_case_is_searched_as_well(site: LabelledSite) -> None:
    kept = page_of(site).parent / ".qc" / sorted(looks(site))[0]
    kept.write_text(kept.read_text().replace('"fault": ""', f'"fault": "born {BIRTH_DATE}"'))
    with pytest.raises(ResidualError, match=r"qc.html must hold no identifier"):
        again(site)
    assert not kept.exists()
    again(site)
    assert BIRTH_DATE.encode() not in kept.read_bytes()


def test_an_unchanged_dataset_is_not_read_again_and_a_changed_case_is(
    site: LabelledSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, html = looks(site), page_of(site).read_bytes()
    read: list[Path] = []
    original = Image.read
    monkeypatch.setattr(make, "Image", SimpleNamespace(read=lambda path: read.append(path) or original(path)))
    again(site)
    assert (read, looks(site), page_of(site).read_bytes()) == ([], before, html)
    case = sorted(before)[0]
    (page_of(site).parent / ".qc" / case).write_text("{")
    again(site)
    assert {path.name[:16] for path in read} == {case}
    assert looks(site) == before


def test_who_is_taken_out_leaves_page_and_cache(site: LabelledSite, tmp_path: Path) -> None:
    gone = {line["case"] for line in site.lines() if line["study"] and line["case"] in looks(site)}
    listed = tmp_path / "out.txt"
    listed.write_text(Stack(study=3).study_uid)
    exclude(site.home, str(site.bundle), listed)
    gone -= {line["case"] for line in site.lines()}
    assert len(gone) == 1
    assert not page_of(site).exists()
    assert not gone & looks(site).keys()
    again(site)
    assert not [case for case in gone if case in page_of(site).read_text()]


def test_an_interrupted_page_leaves_the_old_one_and_is_made_again(
    site: LabelledSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = page_of(site).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "no space left")))
        with pytest.raises(OutputError, match="no space left"):
            again(site)
    assert page_of(site).read_bytes() == html
    page_of(site).with_name(".qc.html.abc.part").write_text("half")
    (page_of(site).parent / ".qc" / ".0123.abc.part").write_text("half")
    again(site)
    assert not list(page_of(site).parent.rglob("*.part"))


def test_a_case_that_cannot_be_read_is_told_and_hides_no_other(
    site: LabelledSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = sorted(looks(site))[1]
    (page_of(site).parent / ".qc" / case).unlink()
    monkeypatch.setattr(make, "draw", lambda *_: 1 / 0)
    again(site)
    html = page_of(site).read_text()
    assert html.count("its files cannot be read (ZeroDivisionError)") == 1
    assert len(URI.findall(html)) == 2


def test_of_many_cases_those_that_stand_out_have_pictures(site: LabelledSite, monkeypatch: pytest.MonkeyPatch) -> None:
    case = sorted(looks(site))[-1]
    original = make.make_page
    monkeypatch.setattr(make, "far", lambda *_: {case: ["odd"]})
    monkeypatch.setattr(ingesting, "make_page", lambda *given: original(*given, shown=1))
    again(site)
    html = page_of(site).read_text()
    assert re.findall(r"<h3><code>(\w+)", html) == [case]
    assert "And 2 cases more without a picture." in html


def test_a_browser_shows_it_without_script_network_or_overflow(made: LabelledSite, tmp_path: Path) -> None:
    with browser(tmp_path) as tab:
        for dark in (False, True):
            for width in (1280, 400):
                tab.open(page_of(made), dark, width)
                assert tab.value("document.documentElement.scrollWidth") <= width
        assert tab.value("[...document.images].every(each => each.complete && each.naturalWidth > 100)")
        assert tab.value("document.scripts.length") == 0
        assert tab.complaints == []
        assert set(tab.requests) == {page_of(made).resolve().as_uri()}


def picture(array: np.ndarray, mask: np.ndarray, affine: Any) -> np.ndarray:
    """What is drawn of a volume [slice, row, column]."""
    content = draw(Image(array, affine), Image(mask, affine), COLORS)
    return np.asarray(Pillow.open(io.BytesIO(content)), dtype=int)


@pytest.mark.parametrize("flipped", [False, True])
def test_the_right_of_the_patient_is_at_the_left_and_a_millimetre_as_long_across_as_down(flipped: bool) -> None:
    array, mask = np.zeros((5, 50, 100), np.int16), np.zeros((5, 50, 100), np.uint8)
    array[:, 20:30, 10:20], mask[3, 20:30, 10:20] = 1000, 1  # columns 10 to 20 of 100: to the right of the patient
    affine = np.diag([1.0, 2.0, 4.0, 1.0])
    if flipped:
        array, mask, affine = array[..., ::-1], mask[..., ::-1], affine @ np.diag([-1.0, 1, 1, 1])
        affine[0, 3] = 99
    shown = picture(array, mask, affine)
    assert shown.shape == (EDGE, EDGE + 2 + SMALL, 3)
    red = shown[:, :EDGE, 0] - shown[:, :EDGE, 1] > 90
    rows, columns = (np.flatnonzero(red.any(axis=axis)) for axis in (1, 0))
    assert columns[[0, -1]] / EDGE == pytest.approx([0.1, 0.2], abs=0.02)
    assert rows[[0, -1]] / EDGE == pytest.approx([0.4, 0.6], abs=0.02)


def test_a_plane_shows_all_labels_where_one_does() -> None:
    array, mask = np.zeros((9, 60, 60), np.int16), np.zeros((9, 60, 60), np.uint8)
    mask[2:8, 10:50, 10:50] = 1  # as large on every slice
    mask[6, 25:35, 25:35] = 2  # on one of them
    shown = picture(array, mask, np.eye(4))[:, :EDGE]
    assert all((np.abs(shown - bytearray.fromhex(color[1:])).sum(axis=2) < 60).any() for color in COLORS.values())


def test_a_radiograph_is_one_picture_as_it_is_stored() -> None:
    array, mask = np.zeros((1, 80, 60), np.float32), np.zeros((1, 80, 60), np.uint8)
    array[0, :40], mask[0, 10:30, 30:50] = 1, 1
    shown = picture(array, mask, np.diag([0.2, 0.2, 1.0, 1.0]))
    left, right = (shown.shape[1] - EDGE * 60 // 80) // 2, (shown.shape[1] + EDGE * 60 // 80) // 2
    assert shown[20, left + 10 : left + 60].min() > 200
    assert shown[200].max() < 40
    assert max(shown[:, : left - 4].max(), shown[:, right + 4 :].max()) < 40  # beside the film
    red = np.flatnonzero((shown[..., 0] - shown[..., 1] > 90).any(axis=0))
    assert (red[[0, -1]] - left) / (right - left) == pytest.approx([0.5, 50 / 60], abs=0.02)


def look(shares: np.ndarray, volume: float = 10.0, spacing: float = 1.0) -> Look:
    """A case with such grey values."""
    grey = Grey([64, 64, 8], [spacing, spacing, 3.0], 0.0, 1.0, list(shares / shares.sum()))
    return Look({"image": grey}, {"1": volume})


def test_an_inverted_film_a_huge_mask_and_another_grid_stand_out() -> None:
    rng = np.random.default_rng(0)
    bins = np.exp(-np.arange(measure.BINS) / 12)
    cases = {f"usual {n}": look(bins * rng.uniform(0.8, 1.2, bins.size), rng.uniform(8, 12)) for n in range(20)}
    cases |= {"inverted": look(bins[::-1]), "huge": look(bins, 300.0), "coarse": look(bins, spacing=2.0)}
    told = far(cases, {1: "organ"})
    assert told.keys() == {"inverted", "huge", "coarse"}
    assert told["inverted"] == ["grey values of image unlike the others"]
    assert told["huge"][0].startswith("organ in mL: 300, most are near 1")
