"""Radiographs with text in their pixels wait for a person; the others tell that nobody has looked."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from samples.dicom_series import write_slices
from samples.dicom_studies import write_bundle
from samples.film_text import draw
from samples.plain_film import make_film

from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import InputError
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

ROLE = json.loads((Path(__file__).parents[1] / "samples" / "roles" / "ap_pelvis.json").read_text())


def film(text: str) -> Dataset:
    image = make_film(rows=240, columns=320)
    pixels = np.frombuffer(image.PixelData, "<u2").reshape(240, 320).astype(np.float32)
    image.PixelData = draw(pixels, text, 16, (20, 30), float(pixels.max())).astype("<u2").tobytes()
    return image


@pytest.mark.parametrize("text", ["", "ZEBULON 1953-02-17"])
def test_a_film_with_text_waits_for_a_person(text: str, tmp_path: Path, repository: Path) -> None:
    home = SiteHome.create(tmp_path / "site", "hospital-a")
    bundle = write_bundle(tmp_path / "bundles", repository)
    rules = json.loads((bundle / "configs" / "ingest.json").read_text())
    (bundle / "configs" / "ingest.json").write_text(json.dumps({"inputs": {"image": ROLE}, "splits": rules["splits"]}))
    source = Folder(write_slices(tmp_path / "dicom", [film(text)]))

    def run(reviewed: Path | None = None) -> dict[str, Any]:
        ingest(home, str(bundle), source, max_refused="1", reviewed=reviewed)
        (line,) = (home.dataset_dir("prostate_mri_zones") / "ingest.jsonl").read_text().splitlines()
        return dict(json.loads(line))

    line = run()
    assert line["code"] == ("TEXT_IN_PIXELS" if text else "USED")
    if not text:
        assert line["text_in_pixels"] == "none found, nobody has looked"
        (tmp_path / "looked-at.txt").write_text(line["case"] + "\n")
        assert run(tmp_path / "looked-at.txt")["text_in_pixels"] == run()["text_in_pixels"] == "a person has looked"
        return
    assert "row 3" in line["detail"]
    assert not list(home.dataset_dir("prostate_mri_zones").rglob("*.nii.gz"))
    (tmp_path / "looked-at.txt").write_text(line["case"] + "\n")
    line = run(tmp_path / "looked-at.txt")
    assert (line["code"], line["text_in_pixels"]) == ("USED", "a person has looked")
    (tmp_path / "looked-at.txt").write_text("Zebulon\n")
    with pytest.raises(InputError, match="--reviewed must name a case"):
        run(tmp_path / "looked-at.txt")
