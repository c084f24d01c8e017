"""A dataset of noise such as ingest would write for a bundle, made from its configs/ingest.json."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from fedbundle.files import write_json

SECTIONS = ("training", "validation", "test")
VOLUMES, SIDES = 2, 4  # cases of a section: studies, or sides of two films
RADIOGRAPHS = frozenset({"DX", "CR", "RF", "XA", "MG"})
VALUES = {"suvbw": (0.0, 15.0), "adc": (0.0, 3000.0), "displayed": (0.0, 1.0), "": (0.0, 1000.0)}
FILM_MM, VOLUME_MM = (400.0, 400.0), (128.0, 128.0, 72.0)  # where the config names no field
SPACING_MM = (1.0, 1.0, 3.0)
LEAST = 12  # voxels along an axis of a volume
EVENTS, YEARS = (1, 0, 1, 2), (1.5, 3.0, 6.0, 12.0)  # of the cases of a section: the first event comes before all


def write_dataset(rules: Mapping[str, Any], config: Mapping[str, Any], folder: Path) -> None:
    """Write `datalist.json` and its volumes; each section has every optional role once present and once absent.

    Volumes are noise, uniform within what `contract` allows, with their mask shining through; they cover the field that
    the config cuts out. Masks hold one box per class; where no class is required, every second one is empty. Rows of a
    table take the classes in turn.

    Args:
        rules: configs/ingest.json.
        config: merged training config; `spacing_mm` and `field_voxels` are read.
        folder: an empty folder.
    """
    rng = np.random.default_rng(0)
    shape, spacing = _grid(rules, config)
    datalist: dict[str, list[dict[str, Any]]] = {}
    columns = rules.get("table", {}).get("columns", {})
    sides = rules.get("table", {}).get("per") == "side"
    for section in SECTIONS:
        items = datalist[section] = []
        for number in range(SIDES if columns else VOLUMES):
            case = f"{section}{number // 2 if sides else number}"
            item: dict[str, Any] = {"case": case, "patient": f"P{case}"}
            mask = _mask(rules.get("label", {}), shape, empty=bool(number % 2))
            for role, wanted in rules["inputs"].items():
                if not (wanted.get("optional") and number % 2):
                    item[role] = f"{case}_{role}.nii.gz"
                    _save(_image(wanted, mask, shape, rng), spacing, folder / item[role])
            if "label" in rules:
                item[rules["label"]["key"]] = f"{case}_mask.nii.gz"
                _save(mask, spacing, folder / f"{case}_mask.nii.gz")
            if sides:
                item["laterality"] = "LR"[number % 2]
            order = SIDES * SECTIONS.index(section) + number
            items.append(item | dict(_cells(columns, order)))
    write_json(folder / "datalist.json", datalist)


def _grid(rules: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Voxels [x, y, z] and their spacing in mm, so that the field of the config is covered."""
    first = next(iter(rules["inputs"].values()))
    named = first.get("modality", "")
    film = bool(({named} if isinstance(named, str) else set(named)) & RADIOGRAPHS)
    axes = 2 if film else 3
    wanted = _numbers(config.get("spacing_mm"), axes) or SPACING_MM[:axes]
    voxels = _numbers(config.get("field_voxels"), axes)
    field = [a * b for a, b in zip(wanted, voxels, strict=True)] if voxels else (FILM_MM if film else VOLUME_MM)
    extent = [max(a, b) for a, b in zip(field, FILM_MM, strict=False)] if film else list(field)
    limits = [first.get("contract", {}).get("spacing_mm", {}), first.get("pixel_spacing_mm", {})]
    low, high = (
        f(limit.get(end, other) for limit in limits) for f, end, other in ((max, "min", 0.05), (min, "max", 6.0))
    )
    inplane = min(max(wanted[0], low), high)
    spacing = (inplane, inplane) if film else (inplane, inplane, min(max(wanted[2], low), 6.0))
    shape = [max(LEAST, math.ceil(size / step)) for size, step in zip(extent, spacing, strict=True)]
    return (*shape, *((1,) if film else ())), (*spacing, *((1.0,) if film else ()))


def _numbers(value: Any, axes: int) -> tuple[float, ...] | None:
    """One number per axis out of a number or a list of them."""
    if isinstance(value, int | float):
        return (float(value),) * axes
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == axes:
        return tuple(float(each) for each in value)
    return None


def _image(wanted: Mapping[str, Any], mask: NDArray[np.uint8], shape: tuple[int, ...], rng: Any) -> NDArray[np.float32]:
    low, high = VALUES[wanted.get("pixels", "")]
    contract = wanted.get("contract", {})
    allowed, largest = contract.get("values", {}), contract.get("reaches", {})
    low, high = max(low, allowed.get("min", low)), min(high, allowed.get("max", high), largest.get("max", high))
    high = max(high, largest.get("min", high))
    noise = rng.random(shape, dtype=np.float32) * 0.5 + 0.5 * mask / max(1, int(mask.max()))
    noise.flat[0] = 1.0
    return np.asarray(low + noise * (high - low), np.float32)


def _mask(label: Mapping[str, Any], shape: tuple[int, ...], *, empty: bool) -> NDArray[np.uint8]:
    """Boxes side by side about the centre, one per class above 0."""
    mask = np.zeros(shape, np.uint8)
    values = sorted(int(value) for value in label.get("values", {}) if int(value))
    if not values or (empty and not label.get("required")):
        return mask
    middle = [slice(size * 2 // 5, max(size * 3 // 5, size * 2 // 5 + 1)) for size in shape]
    start, width = shape[0] // 3, max(1, shape[0] // 3 // len(values))
    for place, value in enumerate(values):
        mask[start + place * width : start + (place + 1) * width, middle[1], middle[2]] = value
    return mask


def _cells(columns: Mapping[str, Any], order: int) -> Iterator[tuple[str, Any]]:
    ends = {column.get("not_after") for column in columns.values()}
    for name, column in columns.items():
        if column["type"] == "event":
            yield name, EVENTS[order % SIDES]
        elif column["type"] == "time":
            yield name, min(YEARS[order % SIDES] * (1.0 if column["unit"] == "years" else 365.25), column["max"])
        elif name in ends:
            yield name, column["max"]
        elif column["type"] == "category":
            values = sorted(int(value) for value in column["values"])
            yield name, values[order % len(values)]
        elif column.get("missing") and order % SIDES == SIDES - 1:
            yield name, None
        else:
            low, high = column["min"], column["max"]
            value = low + (high - low) * (order % SIDES) / SIDES
            yield name, round(value) if column["type"] == "integer" else value


def _save(volume: NDArray[Any], spacing: tuple[float, ...], path: Path) -> None:
    """Write [x, y, z] in LPS as NIfTI (which counts in RAS)."""
    if not path.is_file():  # the other side of the same film
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])), path)
