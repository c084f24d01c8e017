"""A bundle that trains in seconds, and hospitals with data for it: noisy balls, 16 voxels wide."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.files import sha256, write_json
from fedbundle.site.approvals import approve
from fedbundle.site.home import SiteHome
from fedbundle.site.store import install

BUNDLE = "balls"
CASES = {"training": 6, "validation": 5, "test": 10}


def write_ball_bundle(folder: Path) -> Path:
    """The tiny bundle with a validation metric, as the federation's trainer wants it."""
    root = write_tiny_bundle(folder, BUNDLE)
    config = root / "configs" / "train.json"
    train = json.loads(config.read_text())
    cases = train.pop("cases")
    train["imports"].append("$import monai")
    train |= {"validation_section": "validation", "val_interval": 0}
    train["train"]["dataset"]["data"] = cases
    train["train"]["dataloader"]["shuffle"] = True
    train["validate"]["dataset"]["data"] = cases.replace("'training'", "@validation_section")
    train["optimizer"]["lr"] = 0.01
    discrete = {"_target_": "AsDiscreted", "keys": ["pred", "label"], "argmax": [True, False], "to_onehot": 2}
    train["validate"]["postprocessing"]["transforms"] = [discrete]
    train["validate"]["evaluator"]["key_val_metric"] = {
        "val_mean_dice": {
            "_target_": "MeanDice",
            "include_background": False,
            "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
        }
    }
    config.write_text(json.dumps(train, indent=2))
    return root


def write_ball_site(folder: Path, name: str, bundle: Path, seed: int, *, approved: bool = True) -> SiteHome:
    """A site home with the bundle installed, approved if so wished, and, but for the server, a dataset."""
    home = SiteHome.create(folder / name, name)
    install(home, bundle)
    if approved:
        approve(home, BUNDLE, "a test")
    if name != "server":
        write_ball_dataset(home.dataset_dir(BUNDLE), seed)
    return home


def write_ball_dataset(folder: Path, seed: int) -> None:
    """A dataset as ingest leaves it: datalist.json with digests, images and labels as NIfTI."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    datalist = {
        section: [_case(folder, f"{section}{n}", rng) for n in range(count)] for section, count in CASES.items()
    }
    write_json(folder / "datalist.json", datalist)


def _case(folder: Path, case: str, rng: np.random.Generator) -> dict[str, object]:
    centre = rng.integers(5, 11, 3)
    ball = (((np.indices((16, 16, 16)).T - centre) ** 2).sum(-1).T < 16).astype(np.uint8)
    volumes = {"image": (ball + rng.normal(0, 0.3, ball.shape)).astype(np.float32), "label": ball}
    files = {key: f"images/{case}_{key}.nii" for key in volumes}
    for key, volume in volumes.items():
        nib.save(nib.Nifti1Image(volume, np.eye(4)), folder / files[key])
    return {"case": case, **files, "sha256": {key: sha256(folder / file) for key, file in files.items()}}
