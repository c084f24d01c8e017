"""Write synthetic patients with known truth: DICOM studies, label maps, labels.csv."""

import csv
import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from tqdm import tqdm

import fedbundle.phantom
from fedbundle.errors import InputError, OutputError
from fedbundle.files import new_file, new_folder, read_json, write_json

RECORD = "phantom.json"
MOST_PATIENTS = 9999


class Generator(Protocol):
    """What a package `fedbundle.phantom.<bundle>` offers; a folder there is a generator, there is no list of them."""

    PROFILES: Mapping[str, object]
    COLUMNS: Sequence[str]
    """Of labels.csv after `study_instance_uid` (and `mask`, where there is one)."""
    MASKS: bool
    """Whether each patient has a label map as truth."""

    def study_uid(self, profile: str, seed: int, index: int) -> str:
        """Study Instance UID of one patient."""

    def write_patient(self, dicom: Path, truth: Path, profile: str, seed: int, index: int) -> int:
        """Write one patient's series folders below `dicom` and, with MASKS, the label map; number of DICOM files."""

    def label_rows(self, profile: str, seed: int, index: int) -> list[dict[str, str]]:
        """What is known of one patient, in COLUMNS: one row of labels.csv per study, or per side of the body."""


def write_phantoms(bundle: str, out: Path, patients: int, profile: str, seed: int) -> dict[str, Any]:
    """Write `out/dicom/<patient>/<series>/<n>.dcm`, `out/labels.csv` and, as masks, `out/truth/<patient>.nii.gz`.

    A generator with `truth_rows`, of the form of `label_rows`, also gets `out/truth.csv`: what no hospital can know.

    Each patient appears whole or not at all, and depends on (bundle, profile, seed, number) only. An interrupted
    run goes on where it stopped when it is started again; a larger `patients` adds to what is there.

    Args:
        bundle: name of a generator, which is the name of the bundle it is made for.
        out: new or empty folder, or one that an earlier run with the same bundle, profile and seed has begun.
        patients: how many, 1 to 9999.
        profile: scanner and site.
        seed: 0 or more; the same seed gives the same bytes.

    Returns:
        bundle, profile, seed, "patients" and "files" (DICOM files, label maps, labels.csv) that lie in `out` for
        this call, "out".

    Raises:
        InputError: unknown bundle or profile, number of patients or seed out of range.
        OutputError: `out` holds something else, or cannot be written.
    """
    generator = find_generator(bundle)
    if profile not in generator.PROFILES:
        raise InputError(f"profile must be one of {', '.join(generator.PROFILES)}, got {profile!r}; choose one of them")
    if not 1 <= patients <= MOST_PATIENTS:
        raise InputError(f"patients must be 1 to {MOST_PATIENTS}, got {patients}; give another number")
    if seed < 0:
        raise InputError(f"seed must be 0 or more, got {seed}; give another number")
    _claim(out, {"bundle": bundle, "profile": profile, "seed": seed, "generator": _digest()})
    files = 1
    head = ["study_instance_uid", *(["mask"] if generator.MASKS else []), *generator.COLUMNS]
    rows: list[dict[str, str]] = []
    for index in tqdm(range(1, patients + 1), f"phantom {profile}", unit="patient", file=sys.stderr, disable=None):
        name = f"patient_{index:04}"
        folder, truth = out / "dicom" / name, out / "truth" / f"{name}.nii.gz"
        if not folder.exists() or (generator.MASKS and not truth.exists()):
            with new_folder(folder) as part:
                mask = part / truth.name
                generator.write_patient(part, mask, profile, seed, index)
                if generator.MASKS:
                    truth.parent.mkdir(parents=True, exist_ok=True)
                    mask.replace(truth)
        files += generator.MASKS + sum(1 for _ in folder.rglob("*.dcm"))
        known = {"study_instance_uid": generator.study_uid(profile, seed, index), "mask": f"truth/{truth.name}"}
        rows += [known | row for row in generator.label_rows(profile, seed, index)]
    _write_table(out / "labels.csv", head, rows)
    if generator_truth := getattr(generator, "truth_rows", None):  # what no hospital knows, such as a true risk
        hidden = []
        for index in range(1, patients + 1):
            known = {"study_instance_uid": generator.study_uid(profile, seed, index)}
            hidden += [known | row for row in generator_truth(profile, seed, index)]
        _write_table(out / "truth.csv", list(hidden[0]), hidden)
        files += 1
    return {"bundle": bundle, "profile": profile, "seed": seed, "patients": patients, "files": files, "out": str(out)}


def find_generator(bundle: str) -> Generator:
    """The generator of a bundle: the folder of that name beside this file; it holds a `study.py`.

    Raises:
        InputError: there is none; the message lists those there are.
    """
    root = Path(fedbundle.phantom.__path__[0])
    names = sorted(name for _, name, _ in iter_modules([str(root)]) if (root / name / "study.py").is_file())
    if bundle not in names:
        raise InputError(
            f"bundle must be one that has phantoms ({', '.join(names)}), got {bundle!r}; choose one of them"
        )
    return cast(Generator, import_module(f"fedbundle.phantom.{bundle}"))


def _write_table(path: Path, head: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with new_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, head, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _claim(out: Path, record: dict[str, Any]) -> None:
    """Take `out` for this run, or find that an earlier run of the same kind has taken it."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"out must be a folder, got the file {out}; choose another place")
    begun = out / RECORD
    if begun.is_file():
        before = read_json(begun)
        if before != record:
            raise OutputError(
                f"out must be empty or begun with the same bundle, profile, seed and version, got {out} with "
                f"{before}; choose another folder"
            )
        for left_over in (out / "dicom").glob(".patient_*"):  # of a run that was killed
            shutil.rmtree(left_over, ignore_errors=True)
    elif out.is_dir() and any(out.iterdir()):
        raise OutputError(f"out must be a new or empty folder, got {out} with other files; choose another folder")
    else:
        write_json(begun, record)


def _digest() -> str:
    """SHA-256 over the code that makes phantoms: other code may make other bytes from the same seed."""
    root = Path(fedbundle.phantom.__path__[0])
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"
