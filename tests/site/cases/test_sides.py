"""No film trains that predict would refuse, and no side of it that predict would not see."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from samples.classification_bundle import film
from samples.dicom_series import write_slices

from fedbundle.dicom.gate.rules import checked_rules
from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import BundleError
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

BUNDLE = Path(__file__).parents[3] / "bundles" / "hip_radiograph_fracture"
ONE_HIP = {"PixelSpacing": [0.5, 0.5], "BodyPartExamined": "HIP"}  # 120 mm wide


def study(number: int, **attributes: Any) -> Dataset:
    image = film()
    image.StudyInstanceUID, image.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.3.{number}.1"
    image.SOPInstanceUID, image.PatientID = f"1.2.3.{number}.1.1", f"PAT-{number:06d}"
    for name, value in attributes.items():
        setattr(image, name, value)
    return image


def ingested(folder: Path, films: dict[str, Dataset]) -> tuple[dict[str, Any], list[str]]:
    """Code and detail of each study, and the sides of all items; every study has rows for the sides of its name."""
    rows = [f"{image.StudyInstanceUID},{side},0" for sides, image in films.items() for side in sides if side in "LR"]
    (folder / "labels.csv").write_text("\n".join(("study_instance_uid,laterality,fracture", *rows)))
    home = SiteHome.create(folder / "site", "hospital-a")
    source = Folder(write_slices(folder / "dicom", list(films.values())))
    report = ingest(home, str(BUNDLE), source, folder / "labels.csv", max_refused="100%", page=False)
    listed = json.loads((report.dataset / "datalist.json").read_text(encoding="utf-8"))
    items = [item for section in ("training", "validation", "test") for item in listed.get(section, [])]
    details = {line["code"]: line["detail"] for line in map(json.loads, open_journal(report.dataset))}
    return {"refused": dict(report.refused), "details": details}, sorted(item["laterality"] for item in items)


def open_journal(dataset: Path) -> list[str]:
    return (dataset / "ingest.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_film_is_refused_with_the_code_of_predict(tmp_path: Path) -> None:
    films = {
        "LR": study(1),
        "RL mirrored": study(2, PatientOrientation=["R", "F"], FieldOfViewHorizontalFlip="YES"),
        "RL on its head": study(3, PatientOrientation=["L", "H"]),
        "L of both": study(4, **ONE_HIP, ImageLaterality="B"),
        "L unknown": study(5, **ONE_HIP),
    }
    told, sides = ingested(tmp_path, films)
    assert Counter(told["refused"]) == {"FILM_MIRRORED": 2, "SIDE_CONTRADICTORY": 1, "SIDE_UNKNOWN": 1}
    assert told["details"]["SIDE_UNKNOWN"] == "a film 120 mm wide without a side"
    assert sides == ["L", "R"]


def test_a_row_for_a_side_that_the_film_does_not_show_refuses_its_study(tmp_path: Path) -> None:
    left = ONE_HIP | {"ImageLaterality": "L"}
    told, sides = ingested(tmp_path, {"LR": study(1, **left), "L": study(2, **left), "R": study(3)})
    assert told["refused"] == {"LABEL_SIDE": 1}
    assert told["details"]["LABEL_SIDE"] == "a row for R, and the film shows L only"
    assert sides == ["L", "R"]


def test_a_width_without_sides_is_no_rule() -> None:
    table = {"both_sides_from_mm": 300, "columns": {"age": {"type": "integer", "min": 0, "max": 120}}}
    with pytest.raises(BundleError, match="table"):
        checked_rules({"inputs": {"image": {"modality": "DX"}}, "table": table})
