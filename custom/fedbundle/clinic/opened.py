"""A bundle as it is run: a checked copy of it, in a folder of ours, with weights."""

from pathlib import Path

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import check_record
from fedbundle.bundle.vendor import copy_bundle
from fedbundle.dicom.seg.dicom_out import CONFIG, DicomOut, read_dicom_out
from fedbundle.errors import BundleError, InputError, PredictionError

WEIGHTS = "models/model.pt"


def opened(bundle: Path, folder: Path) -> tuple[Bundle, DicomOut]:
    """A checked copy of the bundle in `folder`, and what its results mean.

    Raises:
        InputError: no such bundle.
        BundleError: it breaks its contract (DigestError: it is not the one that was exported).
        PredictionError: it has no weights, or is a stock bundle.
    """
    if bundle.is_dir():
        name = Bundle.open(bundle).name
        copy_bundle(bundle, folder / name)
        root = folder / name
    elif bundle.is_file():
        root = unpack(bundle, folder)
    else:
        raise InputError(f"bundle must be a zip or a folder, got {bundle}; check the path")
    found = Bundle.open(root)
    if found.stock:
        raise PredictionError(
            f"{found.name} must say what it wants of DICOM and what its results mean, got a stock bundle; run it with "
            "python -m monai.bundle run, as its docs/README.md tells"
        )
    check_record(root)
    if not (root / WEIGHTS).is_file():
        raise PredictionError(f"bundle must carry weights in {WEIGHTS}, got none; take the zip of fedbundle export")
    return found, _wanted(found)


def _wanted(bundle: Bundle) -> DicomOut:
    wanted = read_dicom_out(bundle.root)
    roles = bundle.ingest_rules["inputs"]
    if wanted.input not in roles:
        raise BundleError(f"input in {CONFIG} must be a role of configs/ingest.json, got {wanted.input!r}; mend it")
    if unknown := sorted(wanted.inputs.keys() - roles.keys()):
        raise BundleError(f"inputs in {CONFIG} must be roles of configs/ingest.json, got {unknown[0]!r}; mend it")
    if "resample_to" in roles[wanted.input]:
        raise BundleError(
            f"input in {CONFIG} must be a role on the voxels of its own series, got {wanted.input!r} with resample_to; "
            "name another role"
        )
    return wanted
