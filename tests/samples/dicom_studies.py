"""Synthetic studies with masks and labels.csv, and a bundle that wants them: what an ingest needs."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray
from samples.dicom_series import Stack, make_slices, write_slices
from samples.tiny_bundle import write_tiny_bundle

from fedbundle.dicom.pixels.volume import Volume
from fedbundle.dicom.series import scan


def write_bundle(folder: Path, repository: Path) -> Path:
    """A small bundle that wants what the prostate bundle wants from DICOM."""
    root = write_tiny_bundle(folder, "prostate_mri_zones")
    shutil.copy(repository / "bundles/prostate_mri_zones/configs/ingest.json", root / "configs" / "ingest.json")
    return root


def write_study(folder: Path, study: int, stack: Stack | None = None) -> Path:
    """A T2 transverse and a T2 sagittal; the folder and all headers name the patient."""
    stack = replace(stack or Stack(), study=study, patient=f"PAT-{4711 + study:06d}")
    for number, turn in enumerate((stack.turn, (0.0, 90.0, 90.0)), start=1):
        each = replace(stack, number=number, turn=turn)
        write_slices(folder / f"Testperson_Zebulon_{study}" / str(number), make_slices(each))
    return folder


def write_labels(folder: Path, dicom: Path, studies: range) -> Path:
    """Masks of the transverse series, drawn on what SimpleITK reads, and labels.csv."""
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    rows = []
    for study in studies:
        (series,) = scan(dicom / f"Testperson_Zebulon_{study}" / "1")
        write_mask(folder / "masks" / f"{study}.nii.gz", Volume.of(series))
        rows.append({"study_instance_uid": Stack(study=study).study_uid, "mask": f"masks/{study}.nii.gz"})
    return write_sheet(folder / "labels.csv", rows)


def write_sheet(path: Path, rows: list[dict[str, str]]) -> Path:
    """labels.csv with these rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.DictWriter(file, ["study_instance_uid", "mask"])
        sheet.writeheader()
        sheet.writerows(rows)
    return path


def zones(volume: Volume) -> NDArray[np.uint8]:
    """A label map [slice, row, column] with background 0, transition zone 1 and peripheral zone 2."""
    mask = np.zeros(volume.array.shape, np.uint8)
    mask[3:8, 2:9, 3:8] = 2
    mask[4:7, 3:6, 4:7] = 1
    return mask


def write_mask(path: Path, volume: Volume, mask: NDArray[np.generic] | None = None) -> Path:
    """Write a label map on the grid of `volume` through SimpleITK."""
    image = sitk.GetImageFromArray(zones(volume) if mask is None else mask)
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetSpacing(volume.spacing)
    image.SetDirection((volume.affine[:3, :3] / volume.spacing).ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path
