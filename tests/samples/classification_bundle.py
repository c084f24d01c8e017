"""A bundle that calls a side of a film broken where it is bright, so each answer is known; and a film made for it."""

import json
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from samples.detection_bundle import IDENTITY, write_identity
from samples.dicom_series import write_slices
from samples.plain_film import make_film
from samples.roles import role
from samples.threshold_bundle import change
from samples.tiny_bundle import write_tiny_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "hip_radiograph_fracture"
ROWS, COLUMNS, SPACING = 200, 240, 1.4  # 336 mm wide
BROKEN, SOUND = 2, 0  # classes
SURE = 0.9  # probability of the class that is told; the others share the rest
SPOT = (slice(90, 110), slice(55, 75))  # rows, columns, in the right half of the patient


def write_classification_bundle(folder: Path, *, weights: bool = True) -> Path:
    """Write the bundle with the classes of hip_radiograph_fracture as `folder/<name>` and return its path."""
    root = write_tiny_bundle(folder, NAME)
    content = (REPOSITORY / "bundles" / NAME / "configs" / "dicom_out.json").read_text(encoding="utf-8")
    (root / "configs" / "dicom_out.json").write_text(content, encoding="utf-8")
    film = role("ap_pelvis") | {"contract": {"values": {"min": 0, "max": 1}}}
    change(root, "configs/ingest.json", inputs={"image": film})
    content = json.loads((root / "configs" / "inference.json").read_text(encoding="utf-8"))
    items = content["cases"].replace(" for k in ('image', 'label')", " if k == 'image' else c[k] for k in c")
    items = items.replace(" if k in c}", "}")
    load = {"_target_": "LoadImaged", "keys": "image", "reader": "NibabelReader"}
    side = (
        "$lambda d: d | {'saliency': (d['image'][..., 0] > 0.8) * ((torch.arange(d['image'].shape[1])[None, :, None] "
        ">= d['image'].shape[1] / 2) == (d['laterality'] == 'L'))}"
    )
    found = f"$lambda d: d | {{'of': {BROKEN} if d['saliency'].any() else {SOUND}}}"
    told = f"$lambda d: d | {{'pred': [{SURE} if k == d['of'] else {(1 - SURE) / 5} for k in range(6)]}}"
    named = "$lambda d: d | {'saliency_of': {'class': d['of'], 'empty': not d['saliency'].any()}}"
    write = {
        "_target_": "fedblocks.transforms.write_classification.WriteClassificationd",
        "output_dir": "@output_dir",
    }
    change(
        root,
        "configs/inference.json",
        imports=[*content["imports"], "$import torch"],
        network_def=IDENTITY,
        cases=items,
        preprocessing={
            "_target_": "Compose",
            "transforms": [load, {"_target_": "EnsureChannelFirstd", "keys": "image"}],
        },
        inferer={"_target_": "SimpleInferer"},
        postprocessing={
            "_target_": "Compose",
            "transforms": [*({"_target_": "Lambda", "func": func} for func in (side, found, told, named)), write],
        },
    )
    if weights:
        write_identity(root)
    return root


def film() -> Dataset:
    """A pelvis with a bright spot in the right half; change it before writing it."""
    image = make_film(rows=ROWS, columns=COLUMNS)
    pixels = np.tile(np.linspace(500, 1500, COLUMNS), (ROWS, 1))
    pixels[SPOT] = 4095
    image.BitsStored, image.HighBit = 12, 11
    image.PixelData = pixels.astype("<u2").tobytes()
    image.PixelSpacing = image.ImagerPixelSpacing = [SPACING, SPACING]
    image.PatientOrientation = ["L", "F"]
    return image


def write_film(folder: Path, image: Dataset | None = None) -> Path:
    """Write a study of one film."""
    return write_slices(folder, [image or film()])
