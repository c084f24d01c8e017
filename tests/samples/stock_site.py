"""Hospitals with data for the stock bundles under tests/stock, in the layouts that those expect, and their bindings."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from fedbundle.files import write_json
from fedbundle.site.approvals import approve
from fedbundle.site.home import SiteHome
from fedbundle.site.store import install

STOCK = Path(__file__).parents[1] / "stock"
SPHERE, RING = "sphere_ct_segmentation", "ring_xray_classification"
CASES = {"training": 8, "validation": 5, "test": 6}
SPHERE_BINDING = """
[bindings.sphere_ct_segmentation]
dataset_dir = "{data}"
datalist = "dataset_0.json"
"""
RING_BINDING = """
[bindings.ring_xray_classification]
dataset_dir = "{data}"
datalist = "split.json"
patient = "subject"
sections = {{ validation = "val" }}

[bindings.ring_xray_classification.values]
val_interval = 100
"""
BINDINGS = {SPHERE: SPHERE_BINDING, RING: RING_BINDING}


def write_spheres(folder: Path, seed: int) -> Path:
    """The Decathlon's layout: imagesTr, labelsTr, imagesTs, and a datalist `dataset_0.json` with a fixed split."""
    rng = np.random.default_rng(seed)
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    listed: dict[str, list[dict[str, str]]] = {}
    for section, count in CASES.items():
        listed[section] = []
        for number in range(count):
            centre = rng.integers(7, 17, 3)
            distance = np.sqrt(((np.indices((24, 24, 24)).T - centre) ** 2).sum(-1).T)
            sphere = distance < rng.uniform(4, 5.5)
            image = (sphere * 150 + rng.normal(20, 60, sphere.shape)).astype(np.float32)
            file = f"sphere_{section}_{number}.nii.gz"
            nib.save(nib.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / file)
            nib.save(nib.Nifti1Image(sphere.astype(np.uint8), np.eye(4)), folder / "labelsTr" / file)
            listed[section].append({"image": f"./imagesTr/{file}", "label": f"./labelsTr/{file}"})
    shutil.copyfile(folder / "imagesTr" / file, folder / "imagesTs" / file)
    write_json(folder / "dataset_0.json", {"name": "Sphere", "labels": {"0": "background", "1": "sphere"}} | listed)
    return folder


def write_rings(folder: Path, seed: int) -> Path:
    """PNG with tables, and `split.json` with sections of other names than ours."""
    rng = np.random.default_rng(seed)
    (folder / "test").mkdir(parents=True)
    listed: dict[str, list[dict[str, object]]] = {}
    for section, table, count in (("training", "train", 24), ("val", "val", 12), ("test", "test", 12)):
        listed[section] = []
        for number in range(count):
            label = number % 2
            file = f"{'test/' if section == 'test' else ''}{section}{number}.png"
            distance = np.hypot(*(np.indices((40, 40)).T - rng.integers(14, 26, 2)).T)
            shape = np.abs(distance - 8) < 2 if label else distance < 7
            pixels = np.clip(shape * 120 + rng.normal(60, 20, (40, 40)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / file)
            listed[section].append({"image": file, "label": label, "subject": f"{section}{number // 2}"})
        with (folder / f"{table}.csv").open("w", newline="") as rows:
            writer = csv.DictWriter(rows, ("file", "label"))
            writer.writeheader()
            writer.writerows({"file": item["image"], "label": item["label"]} for item in listed[section])
    write_json(folder / "split.json", listed)
    return folder


WRITERS: dict[str, Callable[[Path, int], Path]] = {SPHERE: write_spheres, RING: write_rings}


def write_stock_site(folder: Path, name: str, bundle: str, seed: int) -> SiteHome:
    """A site home with the bundle installed and approved and, but for the server, bound to a dataset of its own."""
    home = SiteHome.create(folder / name, name)
    return equip(home, bundle, None if name == "server" else WRITERS[bundle](folder.parent / "data" / name, seed))


def equip(home: SiteHome, bundle: str, data: Path | None) -> SiteHome:
    """Install, bind and approve a stock bundle in a site home."""
    install(home, STOCK / bundle)
    if data:
        bind(home, bundle, data)
    home = SiteHome.open(home.path)
    approve(home, bundle, "a test", python=bundle == RING)
    return home


def bind(home: SiteHome, bundle: str, data: Path) -> None:
    """Add the binding to site.toml."""
    with (home.path / "site.toml").open("a") as settings:
        settings.write(BINDINGS[bundle].format(data=data))
