"""Label masks: found by study in a CSV, laid on the image grid, checked against the bundle's label set."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray

from fedbundle.dicom.geometry import Array
from fedbundle.dicom.volume import Volume
from fedbundle.errors import InputError
from fedbundle.site.refusal import RefusedError

COLUMNS = ("study_instance_uid", "mask")
PLACE_TOLERANCE = 0.1  # of the smallest voxel spacing, at the corners of the grid


@dataclass(frozen=True)
class LabelSheet:
    """Masks by StudyInstanceUID."""

    masks: dict[str, Path]

    @classmethod
    def read(cls, path: Path) -> "LabelSheet":
        """Read the CSV; paths of masks are relative to its folder.

        Raises:
            InputError: unreadable, a column is missing, a cell is empty, or a study stands there twice.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, strict=True)
                columns, rows = reader.fieldnames or (), list(reader)
        except (OSError, ValueError, csv.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else "no CSV in UTF-8"
            raise InputError(f"labels must be a readable CSV file, got {reason} for {path}; check --labels") from error
        absent = [name for name in COLUMNS if name not in columns]
        if absent:
            raise InputError(
                f"labels must have the columns {', '.join(COLUMNS)}, separated by commas, got no {absent[0]}; "
                "mend the first line"
            )
        masks: dict[str, Path] = {}
        for line, row in enumerate(rows, start=2):
            study, mask = (str(row[name] or "").strip() for name in COLUMNS)
            told = _fault(study, path.parent / mask if mask else None, masks)
            if told:
                raise InputError(f"labels must name one mask per study, got {told} in line {line}; mend the line")
            masks[study] = path.parent / mask
        return cls(masks)


def _fault(study: str, mask: Path | None, masks: dict[str, Path]) -> str:
    """What is wrong with a row, after those in `masks`."""
    if not study or mask is None:
        return "an empty cell"
    if study in masks:
        return "a study that stands there already"
    return "the mask of another study" if mask in masks.values() else ""


def read_mask(path: Path, image: Volume, wanted: dict[str, Any]) -> NDArray[np.uint8]:
    """Read a label map and lay it on the grid of `image`, [slice, row, column].

    The same grid with axes swapped or turned round is put right; nothing is resampled.

    Args:
        path: NIfTI, MHA or whatever SimpleITK reads.
        image: the volume that was labelled.
        wanted: `label` of configs/ingest.json.

    Raises:
        RefusedError: LABEL_MISSING, LABEL_UNREADABLE, LABEL_GEOMETRY or LABEL_VALUES.
    """
    array, affine = _read(path)
    placed = _placed(array, affine, image)
    known = {int(value) for value in wanted["values"]}
    found = {float(value) for value in np.unique(placed)}
    if not found <= known:
        strange = sorted(found - known)
        raise RefusedError("LABEL_VALUES", f"{len(strange)} values outside the label set, the first is {strange[0]:g}")
    lacking = {int(value) for value in wanted.get("required", ())} - found
    if lacking:
        raise RefusedError(
            "LABEL_VALUES", f"no voxel of {', '.join(wanted['values'][str(v)] for v in sorted(lacking))}"
        )
    return placed.astype(np.uint8)


def _read(path: Path) -> tuple[NDArray[np.generic], Array]:
    """Voxels [x, y, z] as the file stores them, and the matrix from their index to LPS mm."""
    if not path.is_file():
        raise RefusedError("LABEL_MISSING", "the mask that the labels name is not there")
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # its warnings quote file names
    try:
        mask = sitk.ReadImage(str(path))
    except RuntimeError as error:  # its message quotes file names
        raise RefusedError("LABEL_UNREADABLE", "the mask is no image that can be read") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    if mask.GetDimension() != 3 or mask.GetNumberOfComponentsPerPixel() != 1:
        raise RefusedError("LABEL_GEOMETRY", f"the mask has {mask.GetDimension()} dimensions, wanted 3 and one value")
    affine = np.eye(4)
    affine[:3, :3] = np.array(mask.GetDirection()).reshape(3, 3) * np.array(mask.GetSpacing())
    affine[:3, 3] = mask.GetOrigin()
    return sitk.GetArrayFromImage(mask).transpose(2, 1, 0), affine


def _placed(array: NDArray[np.generic], affine: Array, image: Volume) -> NDArray[np.generic]:
    """Turn the mask [x, y, z] to the axes of the image and compare the corners of both grids."""
    turn = (np.linalg.inv(image.affine) @ affine)[:3, :3]  # image index per mask index
    source = np.abs(turn).argmax(axis=1)  # which axis of the mask runs along each axis of the image
    if sorted(source.tolist()) != [0, 1, 2]:
        raise RefusedError("LABEL_GEOMETRY", "the mask is turned against the image")
    backwards = [turn[axis, source[axis]] < 0 for axis in range(3)]
    placed = array.transpose(source.tolist())
    if placed.shape != image.array.shape[::-1]:
        size = "x".join(map(str, placed.shape))
        raise RefusedError(
            "LABEL_GEOMETRY", f"the mask has {size} voxels, the image {'x'.join(map(str, image.array.shape[::-1]))}"
        )
    turned = np.zeros((4, 4))
    turned[3, 3] = 1
    for axis in range(3):
        turned[source[axis], axis] = -1 if backwards[axis] else 1
        turned[source[axis], 3] = placed.shape[axis] - 1 if backwards[axis] else 0
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*(np.array(placed.shape) - 1), 1]
    off = float(np.abs(corners @ (affine @ turned - image.affine).T).max())
    if off > PLACE_TOLERANCE * min(image.spacing):
        raise RefusedError("LABEL_GEOMETRY", f"corners of mask and image lie up to {off:.2f} mm apart")
    flips = tuple(slice(None, None, -1 if back else None) for back in backwards)
    return placed[flips].transpose(2, 1, 0)
