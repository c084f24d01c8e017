"""The exported bundle with what one hospital kept at home: made there, for there."""

import tempfile
from pathlib import Path
from typing import Any

import torch

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.declared import released_size
from fedbundle.bundle.export import Exported, export_bundle
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.rebuild import read_weights
from fedbundle.bundle.record import check_record
from fedbundle.errors import ExportError, InputError
from fedbundle.files import read_json
from fedbundle.flare.local_weights import Kept, kept_name
from fedbundle.flare.shared import Sharing
from fedbundle.site.home import SiteHome


def personal_release(home: SiteHome, exported: Path, out: Path) -> Exported:
    """Write `<name>-<version>-personal.zip`: the release with the weights that this hospital kept of the same run.

    The shared weights of both must be the same, bit for bit, so nobody joins weights that never met.

    Args:
        home: of the hospital.
        exported: zip of `fedbundle export`.
        out: folder or name of the zip to write; it must not be passed on.

    Raises:
        InputError: no such zip, or the hospital kept no weights of its run.
        BundleError: the bundle breaks its contract (DigestError: it is not the one that was exported).
        ExportError: the bundle shares all its weights, or what was kept belongs to another run.
    """
    if not exported.is_file():
        raise InputError(f"bundle must be the zip of fedbundle export, got {exported}; check the path")
    with tempfile.TemporaryDirectory(prefix="fedbundle-personal-") as scratch:
        source = Bundle.open(unpack(exported, Path(scratch)))
        record = check_record(source.root)
        size = released_size(source.root)
        records = _records(source.root)
        ledger = records.get("ledger", {})
        kept = _kept(home, source, str(ledger.get("job", "")), size)
        stays = _stays(source, kept, ledger.get("declared", {}))
        weights = Path(scratch) / "weights.pt"
        torch.save(kept, weights)
        records["personal"] = {"site": home.name, "release_digest": record.get("release_digest"), "kept": stays}
        named = out.suffix == ".zip" and not out.is_dir()
        target = out if named else out / f"{source.name}-{source.version}-personal.zip"
        return export_bundle(source.root, weights, target, records, size)


def _kept(home: SiteHome, source: Bundle, job: str, size: str) -> dict[str, torch.Tensor]:
    """The hospital's whole network of one job; the name comes from the zip, so it is looked for and not opened."""
    name = kept_name(job, size)
    for path in home.local_dir(source.name).glob("*.pt"):
        if path.name == name:
            return Kept.read(path).weights
    raise InputError(
        f"{home.name} must have kept weights of {source.name}, got no {name}; it appears at the end of a run of a "
        "bundle that keeps some of its weights at home, at hospitals that trained in it"
    )


def _stays(source: Bundle, own: dict[str, torch.Tensor], declared: dict[str, Any]) -> list[str]:
    """Names that stayed, where all others are the release's own."""
    sharing = Sharing.of(source.root, declared.get("keep_local", []), declared.get("batch_statistics", "local"))
    released = read_weights(source.root / "models" / "model.pt")
    stays = sorted(name for name in released if not sharing.leaves(name))
    if not stays:
        raise ExportError(f"{source.name} must keep weights at hospitals, got none that stay; use it as it is")
    others = [name for name in released if name not in stays]
    if apart := [name for name in others if name not in own or not torch.equal(own[name], released[name])]:
        raise ExportError(
            f"weights kept of {source.name} must belong to the run that was exported, got {len(apart)} shared ones "
            f"that differ, {apart[0]} first; take the export as the run made it"
        )
    return stays


def _records(root: Path) -> dict[str, Any]:
    """What the release tells of its origin, but for how its zip was made."""
    told = sorted((root / "provenance").glob("*.json"))
    return {path.stem: read_json(path) for path in told if path.stem != "export"}
