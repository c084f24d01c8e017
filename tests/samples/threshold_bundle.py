"""A bundle that finds zones by brightness, so what it must find is known voxel by voxel; and a study made for it."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from samples.oblique_series import oblique_series, rotated, write_series
from samples.tiny_bundle import write_tiny_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
LOW, HIGH = 300.0, 700.0  # brighter than LOW: transition zone; brighter than HIGH: peripheral zone
NETWORK = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 3, "kernel_size": 1}
SHAPE = (12, 40, 36)


def write_threshold_bundle(folder: Path, name: str = "prostate_mri_zones", *, weights: bool = True) -> Path:
    """Write the bundle with the rules and codes of prostate_mri_zones as `folder/name` and return its path."""
    root = write_tiny_bundle(folder, name)
    for config in ("ingest.json", "dicom_out.json"):
        content = (REPOSITORY / "bundles" / "prostate_mri_zones" / "configs" / config).read_text(encoding="utf-8")
        (root / "configs" / config).write_text(content, encoding="utf-8")
    change(root, "configs/inference.json", network_def=NETWORK, preprocessing=_preprocessing())
    if weights:
        (root / "models").mkdir()
        _write_weights(root / "models" / "model.pt")
    return root


def change(root: Path, config: str, **values: object) -> None:
    """Set top-level keys of a JSON file of the bundle."""
    content = json.loads((root / config).read_text(encoding="utf-8")) | values
    (root / config).write_text(json.dumps(content), encoding="utf-8")


def truth() -> NDArray[np.uint8]:
    """Zones [slice, row, column] that no flip or rotation maps onto themselves."""
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.uint8)
    labels[((z - 6) / 4) ** 2 + ((y - 22) / 9) ** 2 + ((x - 15) / 11) ** 2 < 1] = 2
    labels[((z - 6.5) / 3) ** 2 + ((y - 18) / 5) ** 2 + ((x - 16) / 7) ** 2 < 1] = 1
    return labels


def write_study(folder: Path, turn: NDArray[np.float64] | None = None) -> Path:
    """Write a study with a transverse T2 that shows `truth()`, a sagittal T2 and an apparent diffusion map."""
    noise = np.random.default_rng(0).integers(0, 60, SHAPE)
    values = (np.array([100, 500, 900])[truth()] + noise).astype(np.uint16)
    size = {"slices": SHAPE[0], "rows": SHAPE[1], "columns": SHAPE[2]}
    spacing = (0.8, 0.8, 3.0)
    tilted = rotated(12, -4, 3) if turn is None else turn
    write_series(folder / "a", oblique_series(**size, spacing=spacing, turn=tilted, series="4", values=values))
    write_series(folder / "b", oblique_series(**size, spacing=spacing, turn=rotated(0, 90, 90), series="3"))
    diffusion = oblique_series(**size, spacing=(2.0, 2.0, 3.0), series="7", description="ep2d_diff_ADC")
    for image in diffusion:
        image.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    write_series(folder / "c", diffusion)
    (folder / "README.txt").write_text("no DICOM", encoding="utf-8")
    return folder


def _preprocessing() -> dict[str, object]:
    load = {"_target_": "LoadImaged", "keys": "image", "reader": "NibabelReader"}
    return {"_target_": "Compose", "transforms": [load, {"_target_": "EnsureChannelFirstd", "keys": "image"}]}


def _write_weights(path: Path) -> None:
    """Class k wins where its line x*k - (sum of the first k thresholds) is highest."""
    import torch

    weight = torch.tensor([0.0, 1.0, 2.0]).reshape(3, 1, 1, 1, 1)
    torch.save({"weight": weight, "bias": torch.tensor([0.0, -LOW, -LOW - HIGH])}, path)
