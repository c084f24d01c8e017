"""What an exported bundle says about its training, read from `provenance/ledger.json` and from nothing else."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from fedbundle.bundle.declared import calibration
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.vendor import PERSONAL
from fedbundle.dicom.seg.dicom_out import DicomOut, SegmentationOut
from fedbundle.errors import BundleError, InputError
from fedbundle.files import read_json

LEDGER = "provenance/ledger.json"
SYNTHETIC = re.compile(r"\b(phantoms?|synthetic)\b", re.IGNORECASE)
TOLD_IN = ("name", "task", "description", "data_source", "data_type", "intended_use")


@dataclass(frozen=True)
class SiteRecord:
    """One hospital in a training run."""

    name: str
    rounds: int  # in which its weights were used
    cases: str  # used in its last round; "<k" below the site's minimum cell size
    state: str  # "" when it took part to the end


@dataclass(frozen=True)
class Training:
    """A training run."""

    outcome: str
    rounds: int
    sites: tuple[SiteRecord, ...]
    metrics: tuple[str, ...]  # headings
    results: tuple[tuple[str, ...], ...]  # evaluation, site, n, then one value per metric


def trained_on_phantoms(bundle: Bundle) -> bool:
    """Whether the bundle's metadata says that synthetic patients were behind it."""
    return any(SYNTHETIC.search(str(bundle.metadata.get(key, ""))) for key in TOLD_IN)


def owner(bundle: Bundle) -> str:
    """The hospital whose own weights a bundle holds besides the shared ones; "" = it holds none.

    Raises:
        BundleError: the bundle says that it does, and not whose.
    """
    path = bundle.root / PERSONAL
    if not path.is_file():
        return ""
    try:
        return str(read_json(path)["site"])
    except (InputError, KeyError, TypeError) as error:
        raise BundleError(
            f"{PERSONAL} of {bundle.name} must name its hospital, got {type(error).__name__}; make it again"
        ) from error


def read_training(bundle: Bundle, wanted: DicomOut) -> Training | None:
    """The run that made the weights of a bundle; None when the bundle does not carry a ledger.

    The metrics by which the bundle is calibrated are left out: they choose a number, and tell nothing of its worth.

    Raises:
        BundleError: the ledger does not follow its schema, or the bundle declares a calibration that is none.
    """
    path = bundle.root / LEDGER
    if not path.is_file():
        return None
    left_out = calibration(bundle.root).metrics
    try:
        return _training(read_json(path), wanted, left_out)
    except (InputError, KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise BundleError(
            f"{LEDGER} of {bundle.name} must follow schema fedbundle-ledger-1, got {type(error).__name__} reading it; "
            "ask for a zip that fedbundle export made"
        ) from error


def _training(ledger: dict[str, Any], wanted: DicomOut, left_out: Collection[str]) -> Training:
    rounds = ledger["rounds"]
    sites = tuple(_site(name, state, rounds) for name, state in ledger["sites"].items())
    answers = [
        (evaluation, site, answer.get("metrics", {}))
        for evaluation, content in ledger.get("evaluations", {}).items()
        for site, answer in content["sites"].items()
    ]
    metrics = sorted({metric for _, _, values in answers for metric in values if metric not in left_out})
    headings = tuple(_heading(metric, wanted) for metric in metrics)
    results = tuple(
        (evaluation, site, _count(values, metrics), *(_value(values.get(metric)) for metric in metrics))
        for evaluation, site, values in answers
    )
    return Training(str(ledger["outcome"]), len(rounds), sites, headings, results)


def _site(name: str, state: dict[str, Any], rounds: list[dict[str, Any]]) -> SiteRecord:
    used = [entry["sites"][name] for entry in rounds if entry["sites"].get(name, {}).get("status") == "used"]
    cases = str(used[-1]["cases"]["used"]) if used else "-"
    return SiteRecord(name, len(used), cases, "" if state["state"] == "in" else str(state["state"]))


def _heading(metric: str, wanted: DicomOut) -> str:
    """`val_dice_transition_zone` or `test_dice_1` -> Dice, transition zone."""
    words = re.sub(r"^(val|test)_", "", metric).split("_")
    if "dice" not in words:
        return metric
    rest = " ".join(word for word in words if word != "dice")
    segments = wanted.labelled.segments if isinstance(wanted, SegmentationOut) else ()
    named = {str(segment.value): segment.label.lower() for segment in segments}
    return f"Dice, {named.get(rest, rest)}" if rest else "Dice"


def _count(values: dict[str, Any], metrics: Collection[str]) -> str:
    return " / ".join(sorted({str(values[metric]["n"]) for metric in metrics if metric in values})) or "-"


def _value(value: dict[str, Any] | None) -> str:
    if value is None or value["value"] is None:
        return "-"
    told = f"{value['value']:.2f}"
    return f"{told} ({value['ci95'][0]:.2f} to {value['ci95'][1]:.2f})" if "ci95" in value else told
