"""Inference writes what its kind of bundle owes: label or detection map, probabilities with a map, risks, residuals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from fedbundle.check.finding import BrokenError, ExemptError, Problem
from fedbundle.check.running import dataset, have_weights, outputs, telling, workflow
from fedbundle.check.subject import DICOM_OUT, INFERENCE, Subject
from fedbundle.files import read_json

PLACE = (INFERENCE, "postprocessing")
TOLERANCE_MM = 1e-3


def infers(bundle: Subject) -> Iterator[Problem]:
    """configs/inference.json on synthetic data, with every optional input and without."""
    if bundle.stock:
        raise ExemptError("no data can be made for a stock bundle, and it does not say what its results are as DICOM")
    have_weights(bundle)
    opened = workflow(bundle, INFERENCE, "infer")
    with telling(INFERENCE, "run"):
        opened.run()
    yield from results(bundle, dataset(bundle), outputs(bundle, INFERENCE))


def results(bundle: Subject, data: Path, out: Path) -> Iterator[Problem]:
    """What is wrong with the results in `out` for the test cases of the dataset `data`."""
    cases, role = read_json(data / "datalist.json")["test"], bundle.json(DICOM_OUT)["input"]
    for case in cases:
        image = nibabel.load(data / case[role])
        if bundle.kind == "classification":
            yield from _classified(bundle, out / f"{case['case']}_{case['laterality']}", image)
        elif bundle.kind == "risk":
            yield from _risks(out / f"{case['case']}_{case['laterality']}_pred.json")
        elif bundle.kind == "anomaly":
            yield from _residuals(out, case["case"], image)
        else:
            pattern = f"{Path(case[role]).name.removesuffix('.nii.gz')}*_pred.nii.gz"
            yield from _mapped(bundle, _only(out, pattern), image)
    bundle.tell(f"{len(cases)} cases")


def _only(out: Path, pattern: str) -> Path:
    named = sorted(out.rglob(pattern))
    if len(named) != 1:
        raise BrokenError(*PLACE, f"must write one {pattern} per case, got {len(named)}; mend SaveImaged")
    return named[0]


def _mapped(bundle: Subject, path: Path, image: Any) -> Iterator[Problem]:
    found = nibabel.load(path)
    values = np.asanyarray(found.dataobj)
    yield from _same_grid(path.name, found, image)
    if bundle.kind == "detection":
        if values.dtype != np.float32 or not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            yield Problem(*PLACE, f"must write float32 from 0 to 1, got {values.dtype} in {path.name}; mend it")
    else:
        allowed = {int(value) for value in bundle.ingest_rules["label"]["values"]}
        if values.dtype != np.uint8 or not set(np.unique(values).tolist()) <= allowed:
            yield Problem(*PLACE, f"must write uint8 labels of the bundle, got {values.dtype} in {path.name}; mend it")


def _classified(bundle: Subject, stem: Path, image: Any) -> Iterator[Problem]:
    written, saliency = (stem.with_name(f"{stem.name}_{end}") for end in ("pred.json", "saliency.nii.gz"))
    for path in (written, saliency):
        if not path.is_file():
            raise BrokenError(*PLACE, f"must write {path.name}, got no such file; mend it")
    classes = {str(entry["value"]) for entry in bundle.json(DICOM_OUT)["classes"]}
    told = read_json(written).get("probabilities", {})
    if set(told) != classes or abs(sum(told.values()) - 1) > 1e-3 or min(told.values()) < 0:
        yield Problem(*PLACE, f"must write one probability per class, all together 1, got {told}; mend it")
    found = nibabel.load(saliency)
    values = np.asanyarray(found.dataobj)
    yield from _same_grid(saliency.name, found, image)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        yield Problem(*PLACE, f"must write a saliency from 0 to 1, got {values.min():g} to {values.max():g}; mend it")


def _risks(path: Path) -> Iterator[Problem]:
    if not path.is_file():
        raise BrokenError(*PLACE, f"must write {path.name}, got no such file; mend it")
    told = read_json(path)
    years, risk = told.get("years", []), told.get("risk", [])
    rising = len(years) == len(risk) > 1 and all(np.diff(each).min() >= 0 for each in (years, risk))
    if not rising or not 0 <= risk[0] <= risk[-1] <= 1 or not isinstance(told.get("missing"), list):
        yield Problem(*PLACE, f"must write rising risks from 0 to 1 and missing factors, got others in {path.name}")


def _residuals(out: Path, case: str, image: Any) -> Iterator[Problem]:
    for name in ("reconstruction", "bright", "dark"):
        found = nibabel.load(_only(out, f"{case}_{name}.nii.gz"))
        values = np.asanyarray(found.dataobj)
        yield from _same_grid(f"{case}_{name}.nii.gz", found, image)
        if not np.isfinite(values).all() or values.min() < 0:
            yield Problem(*PLACE, f"must write {name} of 0 or more, got {values.min():g}; mend it")
    told = read_json(_only(out, f"{case}_limits.json"))
    limits = told.get("limits", {})
    if not {"bright", "dark"} <= limits.keys() or not all(limit is None or limit > 0 for limit in limits.values()):
        yield Problem(*PLACE, f"must write limits above 0 or null for bright and dark, got {limits}; mend it")
    yield from _whole(out, case, "field", image, 1)
    if all(limits.get(sign) for sign in ("bright", "dark")):
        yield from _whole(out, case, "above", image, 2)


def _whole(out: Path, case: str, name: str, image: Any, most: int) -> Iterator[Problem]:
    """A map of labels from 0 to `most`."""
    found = nibabel.load(_only(out, f"{case}_{name}.nii.gz"))
    values = np.asanyarray(found.dataobj)
    yield from _same_grid(f"{case}_{name}.nii.gz", found, image)
    if values.dtype != np.uint8 or values.max() > most:
        told = f"{values.dtype} up to {values.max():g}"
        yield Problem(*PLACE, f"must write {name} as uint8 from 0 to {most}, got {told}; mend it")


def _same_grid(name: str, found: Any, image: Any) -> Iterator[Problem]:
    if found.shape != image.shape or not np.allclose(found.affine, image.affine, atol=TOLERANCE_MM):
        yield Problem(*PLACE, f"must write {name} on the grid of its input, got another; invert the preprocessing")
