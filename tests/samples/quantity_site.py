"""A site with one study of T2, PET and ADC map, whose truth is known at every place, and a bundle that wants them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from pydicom.dataset import Dataset
from samples.anatomy import volume
from samples.dicom_series import ROOT, Stack, make_slices, write_slices
from samples.dicom_studies import write_bundle
from samples.pet_series import FACTOR, make_pet
from samples.roles import role

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.sources.folder import Folder
from fedbundle.files import read_json
from fedbundle.site.home import SiteHome
from fedbundle.site.ingest import ingest
from fedbundle.site.report import Report

T2 = ((20, 96, 96), (2.0, 2.0, 3.0))
PET = ((50, 72, 72), (4.0, 4.0, 3.27))
ADC = ((20, 60, 60), (3.0, 3.0, 3.0))
STUDY = 7


class QuantitySite:
    """The study is written by `t2`, `pet` and `adc`, then ingested."""

    def __init__(self, folder: Path, repository: Path, roles: tuple[str, ...]) -> None:
        self.home = SiteHome.create(folder / "site", "hospital-a")
        self.bundle = write_bundle(folder / "bundles", repository)
        self.dicom = folder / "dicom"
        self.dataset = self.home.dataset_dir("prostate_mri_zones")
        path = self.bundle / "configs" / "ingest.json"
        inputs = {name: role(name) for name in ("t2_transverse", *roles)}
        path.write_text(json.dumps({"inputs": inputs, "splits": read_json(path)["splits"]}))

    def t2(self) -> list[Dataset]:
        """A transverse T2 around the origin."""
        return self._write(1, make_slices(_stack(1, *T2)), np.rint(volume("t2", *T2, noise=0.02).array))

    def pet(self, motion: Array, frame: int | None, **attributes: object) -> list[Dataset]:
        """A PET after a motion, its slope growing by slice; `frame` of reference: None is that of the T2."""
        slices = make_pet(_stack(2, *PET))
        activity = volume("pet", *PET, motion=motion, noise=0.01).array / FACTOR
        slopes = 1.0 + 0.01 * np.arange(len(slices))
        for image, slope in zip(slices, slopes, strict=True):
            image.RescaleSlope = float(slope)
            if frame is not None:
                image.FrameOfReferenceUID = f"{ROOT}.{STUDY}.{frame}"
            for keyword, value in attributes.items():
                setattr(image, keyword, value)
        return self._write(2, slices, np.rint(activity / slopes[:, None, None]))

    def adc(self, slope: float) -> list[Dataset]:
        """An ADC map, 1.2 x 1e-3 mm2/s everywhere, stored in 1e-6 mm2/s and rescaled by `slope`."""
        slices = make_slices(_stack(3, *ADC))
        for image in slices:
            image.ImageType, image.RescaleSlope = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], slope
        return self._write(3, slices, np.full(ADC[0], 1200.0))

    def ingest(self) -> Report:
        """Ingest the study, whatever becomes of it."""
        return ingest(self.home, str(self.bundle), Folder(self.dicom), max_refused="1")

    def lines(self) -> dict[int, dict[str, Any]]:
        """Lines of ingest.jsonl by the number of slices of their series: 20 T2, 50 PET."""
        lines = [json.loads(line) for line in (self.dataset / "ingest.jsonl").read_text().splitlines()]
        return {line["headers"]["slices"]: line for line in lines}

    def image(self, name: str) -> Volume:
        """What was written for a role."""
        (path,) = (self.dataset / "images").glob(f"*_{name}.nii.gz")
        image = nibabel.load(path)
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
        return Volume(np.asarray(image.dataobj, np.float32).transpose(2, 1, 0), affine, "")

    def _write(self, number: int, slices: list[Dataset], stored: np.ndarray) -> list[Dataset]:
        for image, pixels in zip(slices, stored, strict=True):
            image.PixelData = pixels.astype("<u2").tobytes()
        write_slices(self.dicom / str(number), slices)
        return slices


def _stack(number: int, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Stack:
    """The grid of `anatomy.volume`."""
    slices, rows, columns = shape
    corner = tuple(-(n - 1) / 2 * mm for n, mm in zip(reversed(shape), spacing, strict=True))
    grid = {"slices": slices, "rows": rows, "columns": columns, "step": spacing[2], "spacing": (spacing[1], spacing[0])}
    return replace(Stack(study=STUDY, number=number), origin=corner, **grid)
