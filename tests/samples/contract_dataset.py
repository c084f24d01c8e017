"""A small dataset of two images, a mask and a table per side, its contract, and hands that edit what ingest wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from fedbundle.files import read_json, sha256, write_json

RULES: dict[str, Any] = {
    "inputs": {
        "t2": {"modality": "MR", "contract": {"spacing_mm": {"min": 0.5, "max": 4}}},
        "adc": {
            "modality": "MR",
            "resample_to": "t2",
            "contract": {"spacing_mm": {"min": 0.5, "max": 4}, "values": {"min": 0, "max": 4000}},
        },
    },
    "label": {"key": "label", "values": {"0": "background", "1": "lesion"}},
    "table": {
        "per": "side",
        "columns": {
            "grade": {"type": "category", "values": {"0": "low", "1": "high"}},
            "psa": {"type": "number", "min": 0, "max": 100, "missing": True},
        },
    },
}
SECTIONS = {"training": 10, "validation": 3, "test": 3}
AFFINE = np.diag([0.5, 0.5, 3.0, 1.0])


def write_contract_dataset(folder: Path) -> None:
    """One patient per case, pseudonyms 0000000000000000 and so on."""
    (folder / "images").mkdir(parents=True)
    datalist: dict[str, list[dict[str, Any]]] = {}
    for section, count in SECTIONS.items():
        first = sum(map(len, datalist.values()))
        datalist[section] = [_item(folder, f"{number:016x}") for number in range(first, first + count)]
    write_json(folder / "datalist.json", datalist)


def write_image(path: Path, array: Any, affine: Any = AFFINE) -> None:
    """NIfTI of voxels [column, row, slice]."""
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def edit_file(folder: Path, case: str, key: str, edit: Callable[[Path], None]) -> None:
    """Change a file of a case and let the datalist name its new digest, as another tool would."""

    def with_digest(item: dict[str, Any]) -> None:
        edit(folder / item[key])
        item["sha256"][key] = sha256(folder / item[key])

    edit_item(folder, case, with_digest)


def edit_item(folder: Path, case: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change the item of a case."""
    listed = read_json(folder / "datalist.json")
    for item in (item for section in SECTIONS for item in listed[section] if item["case"] == case):
        edit(item)
    write_json(folder / "datalist.json", listed)


def _item(folder: Path, case: str) -> dict[str, Any]:
    rng = np.random.default_rng(int(case, 16))
    images = {
        "t2": rng.normal(300, 50, (8, 9, 5)).astype(np.float32),
        "adc": rng.uniform(500, 2000, (8, 9, 5)).astype(np.float32),
        "label": rng.integers(0, 2, (8, 9, 5)).astype(np.uint8),
    }
    files = {key: f"images/{case}_{key}.nii.gz" for key in images}
    for key, array in images.items():
        write_image(folder / files[key], array)
    digests = {key: sha256(folder / file) for key, file in files.items()}
    return {"case": case, "patient": case, **files, "laterality": "L", "grade": 1, "psa": 4.5, "sha256": digests}
