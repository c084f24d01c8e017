"""Independent programs that judge DICOM SEG and SR, dciodvfy and dcmqi; tests skip where they are absent."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 -- its own documentation calls it so
from numpy.typing import NDArray


def dciodvfy(path: Path) -> list[str]:
    """Complaints (errors and warnings) of dciodvfy about one object."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    told = subprocess.run([program, "-new", str(path)], capture_output=True, check=False).stderr
    return [line for line in told.decode(errors="replace").splitlines() if line.startswith(("Error", "Warning"))]


def dcmqi_masks(path: Path, like: Path, scratch: Path) -> tuple[dict[int, NDArray[np.bool_]], dict[int, str]]:
    """Masks [slice, row, column] by segment number as dcmqi reads them, resampled by place onto the series in `like`.

    dcmqi writes the smallest box that holds the frames; every voxel centre of `like` is looked up in it. The second
    part is the coded meaning of each segment as dcmqi tells it.
    """
    program = shutil.which("segimage2itkimage", path=f"{Path(sys.executable).parent}:{Path('/usr/bin')}")
    if program is None:
        pytest.skip("segimage2itkimage (Python package dcmqi) is not installed")
    command = [program, "--inputDICOM", str(path), "--outputDirectory", str(scratch), "-t", "nrrd"]
    subprocess.run(command, capture_output=True, check=True)
    told = json.loads((scratch / "meta.json").read_text(encoding="utf-8"))
    (series,) = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(like))
    grid = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(like), series))
    masks, meanings = {}, {}
    for group in told["segmentAttributes"]:
        for segment in group:
            number = segment["labelID"]
            found = sitk.ReadImage(str(scratch / f"{number}.nrrd"))
            placed = sitk.Resample(found > 0, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
            masks[number] = sitk.GetArrayFromImage(placed) > 0
            meanings[number] = segment["SegmentedPropertyTypeCodeSequence"]["CodeMeaning"]
    return masks, meanings


def dcmqi_groups(path: Path, scratch: Path) -> list[dict[str, Any]]:
    """Measurement groups of a TID 1500 report as dcmqi reads them, each with `numbers`: code value -> value."""
    program = shutil.which("tid1500reader", path=f"{Path(sys.executable).parent}:{Path('/usr/bin')}")
    if program is None:
        pytest.skip("tid1500reader (Python package dcmqi) is not installed")
    told = scratch / "report.json"
    command = [program, "--inputDICOM", str(path), "--outputMetadata", str(told)]
    subprocess.run(command, capture_output=True, check=True)
    groups: list[dict[str, Any]] = json.loads(told.read_text(encoding="utf-8"))["Measurements"]
    for group in groups:
        group["numbers"] = {item["quantity"]["CodeValue"]: float(item["value"]) for item in group["measurementItems"]}
    return groups
