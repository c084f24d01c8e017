"""A bundle that takes brightness for a score, so every candidate is known; and a study made for it."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from samples.dicom_series import Stack, make_slices, write_slices
from samples.pet_series import make_pet
from samples.roles import role
from samples.threshold_bundle import change
from samples.tiny_bundle import write_tiny_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "prostate_mripet_lesion"
SHAPE, SPACING, STEP = (30, 40, 36), (0.8, 0.8), 3.0  # slices, rows, columns; mm
SCORES = {1: 0.9, 2: 0.5, 3: 0.06}  # without PET; the third is too weak to be told
WITH_PET = 0.05  # higher
IDENTITY = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 1, "kernel_size": 1}


def write_detection_bundle(folder: Path, *, weights: bool = True) -> Path:
    """Write the bundle with the codes of prostate_mripet_lesion as `folder/<name>` and return its path."""
    root = write_tiny_bundle(folder, NAME)
    content = (REPOSITORY / "bundles" / NAME / "configs" / "dicom_out.json").read_text(encoding="utf-8")
    (root / "configs" / "dicom_out.json").write_text(content, encoding="utf-8")
    roles = {"t2": role("t2_transverse"), "adc": role("adc"), "hbv": role("high_b"), "pet": role("pet")}
    for name in ("adc", "hbv", "pet"):
        roles[name] |= {"resample_to": "t2"}
    for name in ("hbv", "pet"):
        roles[name] |= {"optional": True}
    change(root, "configs/ingest.json", inputs=roles)
    images = ["t2", "adc", "hbv", "pet"]
    load = {"_target_": "LoadImaged", "keys": images, "allow_missing_keys": True, "reader": "NibabelReader"}
    first = {"_target_": "EnsureChannelFirstd", "keys": images, "allow_missing_keys": True}
    score = f"$lambda d: d | {{'image': (d['t2'] >= 40) * (d['t2'] / 1000 + {WITH_PET} * ('pet' in d))}}"
    content = json.loads((root / "configs" / "inference.json").read_text(encoding="utf-8"))
    change(
        root,
        "configs/inference.json",
        network_def=IDENTITY,
        cases=content["cases"].replace("('image', 'label')", str(tuple(images))),
        preprocessing={"_target_": "Compose", "transforms": [load, first, {"_target_": "Lambda", "func": score}]},
        postprocessing={"_target_": "Compose", "transforms": content["postprocessing"]["transforms"][1:]},
    )
    if weights:
        write_identity(root)
    return root


def write_identity(root: Path) -> None:
    """Weights of a network that gives back what it gets."""
    import torch

    (root / "models").mkdir()
    shape = (1, 1) + (1,) * 3
    torch.save({"weight": torch.ones(shape), "bias": torch.zeros(1)}, root / "models" / "model.pt")


def truth() -> NDArray[np.uint8]:
    """Numbers of the candidates [slice, row, column]; the second reaches the first slice."""
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.uint8)
    labels[((z - 14) / 3) ** 2 + ((y - 12) / 5) ** 2 + ((x - 10) / 7) ** 2 < 1] = 1
    labels[(z < 5) & (((y - 28) / 4) ** 2 + ((x - 25) / 6) ** 2 < 1)] = 2
    labels[20:23, 8:11, 26:30] = 3
    return labels


def write_study(folder: Path, *, lesions: bool = True) -> Path:
    """Write the study without PET: a T2 that shows `truth()`, unless it has no lesions, and an ADC map."""
    values = np.array([20, *(round(1000 * score) for score in SCORES.values())])[truth() if lesions else truth() * 0]
    _write(folder / "t2", make_slices(_stack(1)), values)
    adc = make_slices(_stack(2))
    for image in adc:
        image.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    _write(folder / "adc", adc, np.where(truth() == 1, 700, 1400))
    return folder


def add_pet(folder: Path, **attributes: object) -> Path:
    """Add a PET to a study, with attributes set in every slice; None deletes one."""
    slices = make_pet(_stack(3))
    for image in slices:
        for keyword, value in attributes.items():
            if value is None:
                delattr(image, keyword)
            else:
                setattr(image, keyword, value)
    _write(folder / "pet", slices, np.where(truth() == 1, 20000, 2000))
    return folder


def _write(folder: Path, slices: list[Dataset], values: NDArray[np.int_]) -> None:
    for image, pixels in zip(slices, values, strict=True):
        image.PixelData = pixels.astype("<u2").tobytes()
    write_slices(folder, slices)


def _stack(number: int) -> Stack:
    slices, rows, columns = SHAPE
    return Stack(
        number=number, slices=slices, rows=rows, columns=columns, spacing=SPACING, step=STEP, turn=(12.0, -4.0, 3.0)
    )
