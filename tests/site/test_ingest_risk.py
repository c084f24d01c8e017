"""Follow-up and risk factors of phantoms reach the datalist; what cannot be true costs its study, counted by reason."""

import csv
from pathlib import Path
from typing import Any

import pytest

from fedbundle.dicom.sources.folder import Folder
from fedbundle.errors import DatasetError
from fedbundle.files import read_json
from fedbundle.phantom.write import write_phantoms
from fedbundle.site.dataset import SECTIONS, check_dataset, needed_keys
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest

WRONG: tuple[dict[str, str], ...] = (
    {"time_years": "0"},
    {"time_years": "-2.5"},
    {"event": "3"},
    {"time_years": "12", "follow_up_years": "11.9"},
    {"bmi": "812"},
)
RULES = (
    "time_years must be a time above 0 and up to 40 years",
    "time_years must be a time above 0 and up to 40 years",
    "event must be one of 0, 1, 2",
    "time_years must be a time up to follow_up_years",
    "bmi must be a number from 10 to 80 with a decimal point",
)


@pytest.mark.slow
def test_a_table_of_follow_up_is_ingested_and_its_faults_are_counted(tmp_path: Path, repository: Path) -> None:
    bundle = repository / "bundles" / "hip_radiograph_risk"
    write_phantoms(bundle.name, tmp_path / "phantoms", len(WRONG) + 4, "site-b", 7)
    labels = tmp_path / "phantoms" / "labels.csv"
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    studies = list(dict.fromkeys(row["study_instance_uid"] for row in rows))
    with labels.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(_mended(rows, studies))
    home = SiteHome.create(tmp_path / "site", "hospital-a")
    report = ingest(home, str(bundle), Folder(tmp_path / "phantoms" / "dicom"), labels, max_refused="100%", page=False)
    assert report.refused == {"LABEL_VALUES": len(WRONG)}
    dataset = home.dataset_dir(bundle.name)
    journal = (dataset / "ingest.jsonl").read_text()
    assert all(rule in journal for rule in RULES)
    listed = read_json(dataset / "datalist.json")
    items: list[dict[str, Any]] = [item for section in SECTIONS for item in listed[section]]
    assert len({item["case"] for item in items}) == 4
    assert all(item["event"] == 0 and item["time_years"] == 5 for item in items)
    assert all(item["bmd_t_score"] is None for item in items)  # nobody measures it at this site
    rules = read_json(bundle / "configs" / "ingest.json")
    with pytest.raises(DatasetError, match="event of the section training must hold at least one event"):
        check_dataset(dataset, 0.0, needed_keys(rules), 1, rules)


def _mended(rows: list[dict[str, str]], studies: list[str]) -> list[dict[str, str]]:
    """One fault per study; all others are censored at 5 years."""
    sound = {"event": "0", "time_years": "5", "follow_up_years": "9"}
    wrong = dict(zip(studies, WRONG, strict=False))
    return [row | sound | wrong.get(row["study_instance_uid"], {}) for row in rows]
