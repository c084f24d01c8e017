"""Run a bundle's own `inference.json` on volumes, as plain MONAI would, in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from fedbundle.bundle.declared import released_size, size_configs
from fedbundle.bundle.layout import Bundle
from fedbundle.clinic.findings import CASE, Item
from fedbundle.dicom.pixels.volume import LPS_TO_RAS, Volume
from fedbundle.errors import PredictionError, SegmentationError
from fedbundle.files import write_json

SECONDS = 1800
CORNER_TOLERANCE = 0.1  # of a voxel
UNREADABLE = (OSError, ValueError, EOFError, ImageFileError)


def infer(bundle: Bundle, volumes: dict[str, Volume], items: Sequence[Item], scratch: Path) -> Path:
    """Run the bundle on a datalist of one study; the folder of what it wrote.

    Args:
        bundle: unpacked, with weights and fedblocks, in a folder that may be written.
        volumes: by role.
        items: of the datalist's section `test`; the images are added to each.
        scratch: empty folder; `inference.log` in it holds what the bundle's process told.

    Raises:
        PredictionError: the process fails or takes too long.
    """
    dataset, output = scratch / "dataset", scratch / "output"
    images = {role: f"images/{CASE}_{role}.nii.gz" for role in volumes}
    for role, volume in volumes.items():
        volume.to_nifti(dataset / images[role])
    sections = {"training": [], "validation": [], "test": [{"case": CASE} | item | images for item in items]}
    write_json(dataset / "datalist.json", {"bundle": bundle.name, **sections})
    output.mkdir()
    _run(bundle.root, dataset, output, scratch / "inference.log")
    return output


def the_one(output: Path, pattern: str, what: str) -> Path:
    """The one file that inference must have written.

    Raises:
        PredictionError: there is none, or there are several.
    """
    found = sorted(output.rglob(pattern))
    if len(found) != 1:
        raise PredictionError(
            f"inference of the bundle must save one {what}, got {len(found)}; mend its inference.json"
        )
    return found[0]


def _run(root: Path, dataset: Path, output: Path, log: Path) -> None:
    command = [sys.executable, "-m", "monai.bundle", "run"]
    configs = size_configs(root, "inference.json", released_size(root))
    command += ["--config_file", json.dumps(configs), "--meta_file", "configs/metadata.json"]
    if (root / "configs" / "logging.conf").is_file():
        command += ["--logging_file", "configs/logging.conf"]
    command += ["--bundle_root", str(root), "--dataset_dir", str(dataset), "--output_dir", str(output)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as told:
        try:
            done = subprocess.run(
                command, cwd=root, env=environment, stdout=told, stderr=subprocess.STDOUT, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PredictionError(
                f"inference of {root.name} must end within {SECONDS} s, got no end; use a faster machine or a GPU"
            ) from error
    if done.returncode:
        raise PredictionError(
            f"inference of {root.name} must end with status 0, got {done.returncode}: {_last_words(log)}; "
            "check that the packages in its metadata.json are installed"
        )


def _last_words(log: Path) -> str:
    """What went wrong, without the paths of temporary folders."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    complaints = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt|Killed)\b", line)]
    told = (complaints or lines or ["it told nothing"])[-1]
    return re.sub(r"\S*/fedbundle-predict-[^/\s]*", "...", told)[:300]


def read_map(path: Path, volume: Volume) -> NDArray[np.float32]:
    """Values [slice, row, column] from NIfTI, if they lie on the grid of `volume`.

    Raises:
        PredictionError: unreadable, or values that are no numbers.
        SegmentationError: another grid.
    """
    try:
        image = nibabel.nifti1.load(path)
        values = np.asarray(image.dataobj, dtype=np.float32)
        affine = LPS_TO_RAS @ image.affine
    except UNREADABLE as error:
        raise PredictionError(
            f"map of the bundle must be readable NIfTI, got {type(error).__name__}; mend its inference.json"
        ) from error
    shape = volume.array.shape[::-1]
    if values.ndim > 3 and values.shape[3:] == (1,) * (values.ndim - 3):
        values = values.reshape(values.shape[:3])
    if values.ndim == 2:
        values = values[..., None]
    corners = np.array([[i, j, k, 1] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])]).T
    apart = np.linalg.norm(((affine - volume.affine) @ corners)[:3], axis=0).max()
    if values.shape != shape or not apart <= CORNER_TOLERANCE * min(volume.spacing):
        raise SegmentationError(
            f"map of the bundle must lie on the grid of its input {'x'.join(map(str, shape))}, got "
            f"{'x'.join(map(str, values.shape))}, {apart:.2f} mm apart; it must invert what it resamples"
        )
    if not np.isfinite(values).all():
        raise PredictionError("map of the bundle must hold finite numbers only, got others; mend the bundle")
    return np.ascontiguousarray(values.transpose(2, 1, 0))
