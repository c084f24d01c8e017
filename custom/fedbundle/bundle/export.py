"""Make the zip that clinicians get: recipe, weights, fedblocks, provenance; reloaded and compared first."""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedbundle import __version__
from fedbundle.bundle.archive import pack, unpack
from fedbundle.bundle.declared import PHANTOM, calibration
from fedbundle.bundle.digest import recipe_digest, short
from fedbundle.bundle.layout import Bundle
from fedbundle.bundle.record import check_record, write_record
from fedbundle.bundle.results import results_page
from fedbundle.bundle.vendor import RESULTS_PAGE, copy_bundle
from fedbundle.errors import ExportError, InputError
from fedbundle.files import new_file, sha256, write_json, write_text

TOLERANCE = 1e-4  # largest absolute difference between outputs of the trained and of a reloaded network
CHILD_SECONDS = 900
RECORD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Exported:
    """A zip that was written, reloaded and compared."""

    path: Path
    recipe_digest: str
    release_digest: str
    largest_difference: float  # of any output value, trained network against model.pt and model.ts of the zip

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self) | {"path": str(self.path)}


def export_bundle(bundle: Path, weights: Path, out: Path, records: dict[str, Any], size: str = PHANTOM) -> Exported:
    """Write `<name>-<version>.zip`: the bundle with fedblocks, models/model.pt and model.ts, provenance and digests.

    The recipe is copied byte for byte, so the recipe digest stays the one that hospitals approved. The zip that was
    written is unpacked again and both models in it are run beside the trained network before the zip gets its name.

    Args:
        bundle: folder of the bundle that was trained.
        weights: state dict (`.pt`), read without unpickling code.
        out: a folder, or the name of the zip.
        records: name -> JSON value, written to `provenance/<name>.json`; "ledger" also becomes `docs/results.md`.
        size: of the network that was trained, `phantom` or `full`.

    Raises:
        InputError: there is no such bundle or weights file.
        BundleError: the bundle breaks its contract.
        ExportError: the weights do not fit, or a reloaded network behaves differently; nothing is written.
        OutputError: `out` cannot be written.
    """
    source = Bundle.open(bundle)
    if not weights.is_file():
        raise InputError(f"weights must be a file, got {weights}; check the path")
    named = out.suffix == ".zip" and not out.is_dir()
    target = out if named else out / f"{source.name}-{source.version}.zip"
    with tempfile.TemporaryDirectory(prefix="fedbundle-export-") as scratch, new_file(target) as part:
        work = Path(scratch).resolve()
        _child(source.root, "write", weights.resolve(), _made(work / "models"), size)
        digests = _assemble(source, work, weights, records, size)
        pack(work / source.name, part)
        difference = _reload(source, part, _made(work / "reloaded"), work / "models" / "reference.pt")
    return Exported(target, digests["recipe_digest"], digests["release_digest"], difference)


def _assemble(source: Bundle, work: Path, weights: Path, records: dict[str, Any], size: str) -> dict[str, str]:
    root = _made(work / source.name)
    copy_bundle(source.root, root, results=False)
    _made(root / "models")
    for model in ("model.pt", "model.ts"):
        (work / "models" / model).rename(root / "models" / model)
    made_from = {"fedbundle": __version__, "weights_sha256": sha256(weights), "size": size}
    for name, record in ({"export": made_from} | records).items():
        if not RECORD_NAME.fullmatch(name):
            raise ExportError(f"record must be named with a-z, 0-9 and _, got {name!r}; rename it")
        write_json(root / "provenance" / f"{name}.json", record)
    if "ledger" in records:
        site = records.get("personal", {}).get("site", "")
        write_text(root / RESULTS_PAGE, results_page(records["ledger"], calibration(root).metrics, site))
    return write_record(root, source.name, source.version)


def _reload(source: Bundle, archive: Path, folder: Path, reference: Path) -> float:
    release = Bundle.open(unpack(archive, folder))
    check_record(release.root)
    wanted, got = recipe_digest(source.root), recipe_digest(release.root)
    if wanted != got:
        raise ExportError(
            f"exported recipe must have digest {short(wanted)}, got {short(got)}; the bundle changed meanwhile"
        )
    differences = _child(release.root, "compare", reference)
    for model, difference in differences.items():
        if not difference < TOLERANCE:  # also refuses NaN
            raise ExportError(
                f"outputs of the reloaded {model} must differ by less than {TOLERANCE:g} from the trained network, "
                f"got {difference:g}; nothing was exported, look for randomness in the bundle's network"
            )
    return max(differences.values())


def _child(root: Path, *arguments: str | Path) -> dict[str, float]:
    """Run fedbundle.bundle.rebuild in the bundle's root and return what it reports."""
    command = [sys.executable, "-m", "fedbundle.bundle.rebuild", *map(str, arguments)]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(
            f"network of {root.name} must run within {CHILD_SECONDS} s, got no answer; try again"
        ) from error
    complaint = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if done.returncode == ExportError.code:
        raise ExportError(complaint)
    if done.returncode:
        raise ExportError(f"network of {root.name} must build and export, got: {complaint}; mend the bundle's configs")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
