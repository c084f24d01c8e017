"""What the values of a bundle's label map mean: `configs/dicom_out.json`, coded terms and display colours."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from pydicom.sr.coding import Code

from fedbundle.errors import BundleError, InputError
from fedbundle.files import read_json

CONFIG = "configs/dicom_out.json"


@dataclass(frozen=True)
class Segment:
    """One segment of a label map."""

    value: int  # of its voxels in the label map
    label: str
    category: Code  # Segmented Property Category, PS3.16 CID 7150
    type: Code  # Segmented Property Type
    color: str  # sRGB, #rrggbb


@dataclass(frozen=True)
class DicomOut:
    """How a bundle's label map goes back as DICOM."""

    title: str
    input: str  # role whose grid the label map has
    series_description: str
    content_label: str
    segments: tuple[Segment, ...]
    total: str | None  # name of all segments together, where that is one thing
    plausible_ml: tuple[float, float] | None  # of the total

    @classmethod
    def read(cls, bundle_root: Path) -> "DicomOut":
        """Read `configs/dicom_out.json` of a bundle.

        Raises:
            BundleError: it is absent or breaks its schema, or two segments share a value.
        """
        try:
            content = read_json(bundle_root / CONFIG)
        except InputError as error:
            raise BundleError(f"bundle must say in {CONFIG} what its segments mean, got: {error.__cause__}") from error
        for problem in sorted(_validator().iter_errors(content), key=lambda found: found.json_path):
            raise BundleError(f"{CONFIG} must keep its schema, got at {problem.json_path}: {problem.message}; mend it")
        segments = tuple(_segment(entry) for entry in content["segments"])
        if len({segment.value for segment in segments}) < len(segments):
            raise BundleError(f"segments in {CONFIG} must have different values, got one twice; mend it")
        total = content.get("total", {})
        low, high = total.get("plausible_ml", (None, None))
        return cls(
            content["title"],
            content["input"],
            content["series_description"],
            content["content_label"],
            segments,
            total.get("label"),
            None if low is None else (low, high),
        )


def _segment(entry: dict[str, Any]) -> Segment:
    category, kind = (
        Code(code["value"], code["scheme"], code["meaning"]) for code in (entry["category"], entry["type"])
    )
    return Segment(entry["value"], entry["label"], category, kind, entry["color"])


@cache
def _validator() -> Draft202012Validator:
    schema = files("fedbundle.dicom.seg").joinpath("dicom_out.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))
