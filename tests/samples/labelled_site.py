"""A site home with synthetic studies, a bundle that wants them, and labels of any kind."""

import json
import shutil
from pathlib import Path
from typing import Any

from samples.dicom_studies import write_bundle, write_labels, write_study, zones
from samples.label_objects import write_seg

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import Series, scan
from fedbundle.dicom.sources.folder import Folder
from fedbundle.files import read_json
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest
from fedbundle.site.report import Report

ZONES = {"transition zone": 1, "peripheral zone": 2}


class LabelledSite:
    """A site with studies, and a folder for what labels them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = folder / "bundles" / "prostate_mri_zones"
        self.dicom, self.labels = folder / "dicom", folder / "labels"

    @classmethod
    def make(cls, folder: Path, repository: Path, studies: int) -> "LabelledSite":
        """A new one with so many studies and no labels."""
        write_bundle(folder / "bundles", repository)
        made = cls(folder)
        made.labels.mkdir()
        for study in range(1, studies + 1):
            write_study(made.dicom, study)
        return made

    def copy(self, folder: Path) -> "LabelledSite":
        """The same elsewhere."""
        shutil.copytree(self.folder, folder)
        return LabelledSite(folder)

    def series(self, study: int, number: int = 1) -> Series:
        """A series of a study; the first one is what the bundle wants."""
        (found,) = scan(self.dicom / f"Testperson_Zebulon_{study}" / str(number))
        return found

    def seg(self, name: str, study: int, number: int = 1) -> Path:
        """A SEG of both zones, drawn on a series."""
        series = self.series(study, number)
        drawn = zones(Volume.of(series))
        return write_seg(self.labels / name, series, {name: drawn == value for name, value in ZONES.items()})

    def ingest(self, labels: Path) -> Report:
        """Ingest with these labels."""
        return ingest(self.home, str(self.bundle), Folder(self.dicom), labels, max_refused="100%")

    def change_rules(self, **rules: Any) -> None:
        """Change the bundle's configs/ingest.json."""
        path = self.bundle / "configs" / "ingest.json"
        path.write_text(json.dumps(read_json(path) | rules))

    def lines(self) -> list[dict[str, Any]]:
        """Lines of ingest.jsonl."""
        dataset = self.home.dataset_dir("prostate_mri_zones")
        return [json.loads(line) for line in (dataset / "ingest.jsonl").read_text().splitlines()]

    def items(self) -> list[dict[str, Any]]:
        """Items of the datalist."""
        listed = read_json(self.home.dataset_dir("prostate_mri_zones") / "datalist.json")
        return [item for section in ("training", "validation", "test") for item in listed[section]]

    def sheet(self, studies: int) -> Path:
        """Masks of the first so many studies as NIfTI, and the CSV that names them."""
        return write_labels(self.labels, self.dicom, range(1, studies + 1))

    def datalist(self) -> dict[str, Any]:
        """datalist.json."""
        content: dict[str, Any] = read_json(self.home.dataset_dir("prostate_mri_zones") / "datalist.json")
        return content
