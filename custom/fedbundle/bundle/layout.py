"""What makes a folder a bundle: its files, its name and version, its metadata and its rules for DICOM."""

import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbundle.errors import BundleError, InputError
from fedbundle.files import read_json

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,2}([-+.]?[A-Za-z0-9]+)*")

REQUIRED_FILES = (
    "LICENSE",
    "configs/metadata.json",
    "configs/train.json",
    "configs/evaluate.json",
    "configs/inference.json",
    "configs/ingest.json",
    "docs/README.md",
    "eval/schema.json",
)
SPECIFIED_FILES = ("LICENSE", "configs/metadata.json", "configs/train.json")  # MONAI's specification, and to train
DICOM_FILES = ("configs/ingest.json", "configs/dicom_out.json")  # a bundle with neither is a stock bundle
REQUIRED_METADATA = (
    "version",
    "changelog",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
OURS = frozenset({"changelog", "required_packages_version"})  # of these; before 2024 MONAI called the latter otherwise
COMPILED = frozenset({".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib"})


@dataclass(frozen=True)
class Bundle:
    """A bundle folder whose layout has been checked; nothing of it has been evaluated or imported."""

    root: Path  # absolute
    name: str  # of the folder, which MONAI takes as the bundle's name
    version: str
    metadata: dict[str, Any]  # configs/metadata.json
    ingest_rules: dict[str, Any]  # configs/ingest.json; none in a stock bundle, which keeps MONAI's specification alone

    @property
    def stock(self) -> bool:
        """Whether it knows nothing of DICOM: its data are prepared by the hospital and bound in site.toml."""
        return not self.ingest_rules

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Check the layout of the bundle folder `path` and read what it says about itself.

        Raises:
            InputError: there is no such folder.
            BundleError: a file or a key is missing, or something is in the folder that no digest can vouch for.
        """
        if not path.is_dir():
            raise InputError(f"bundle must be a folder, got {path}; check the path")
        root = path.resolve()
        name = checked_name(root.name)
        files = bundle_files(root)
        stock = is_stock(files)
        for needed in SPECIFIED_FILES if stock else REQUIRED_FILES:
            if needed not in files:
                raise BundleError(f"bundle {name} must hold {needed}, got no such file; add it")
        metadata = _object(root, "configs/metadata.json")
        if stock:
            return cls(root, name, _version(name, metadata, stock), metadata, {})
        rules = _object(root, "configs/ingest.json")
        if not isinstance(rules.get("inputs"), dict) or not rules["inputs"]:
            raise BundleError(f"configs/ingest.json of {name} must name its inputs, got none; add the object 'inputs'")
        return cls(root, name, _version(name, metadata, stock), metadata, rules)


def is_stock(files: Collection[str]) -> bool:
    """Whether a bundle of these files, by relative path, is a stock bundle: one that brings no rules for DICOM."""
    return not any(file in files for file in DICOM_FILES)


def own_python(root: Path) -> list[str]:
    """Python that a bundle brings besides fedblocks, by relative path.

    Raises:
        BundleError: links, special files or compiled code in the bundle.
    """
    return [path for path in bundle_files(root) if path.endswith(".py") and not path.startswith("fedblocks/")]


def checked_name(name: str) -> str:
    """Return `name` if it can be a bundle's name.

    Raises:
        BundleError: it cannot, so it must not become part of a path.
    """
    if not NAME.fullmatch(name):
        raise BundleError(
            f"bundle name must be a lower-case letter followed by up to 63 of a-z, 0-9 and _, got {name!r}; rename it"
        )
    return name


def bundle_files(root: Path) -> dict[str, Path]:
    """All regular files below `root` by relative POSIX path, in the order of the paths' UTF-8 bytes.

    `__pycache__` is left out: Python makes it, and copies never take it along.

    Raises:
        BundleError: a symbolic link, a special file, or compiled code, none of which a review can read.
    """
    found: dict[str, Path] = {}
    folders = [root]
    while folders:
        for path in _entries(folders.pop()):
            relative, mode = path.relative_to(root).as_posix(), path.lstat().st_mode
            if stat.S_ISDIR(mode):
                if path.name != "__pycache__":
                    folders.append(path)
            elif not stat.S_ISREG(mode):
                raise BundleError(f"bundle must hold files and folders only, got a link or device {relative}; copy it")
            elif path.suffix.lower() in COMPILED:
                raise BundleError(f"bundle must hold readable code only, got {relative}; remove the compiled file")
            else:
                found[relative] = path
    return dict(sorted(found.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape")))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise BundleError(f"bundle must be readable, got {error.strerror} for {folder.name}; mend it") from error


def _object(root: Path, relative: str) -> dict[str, Any]:
    try:
        value = read_json(root / relative)
    except (InputError, RecursionError) as error:
        reason = "too deep a nesting" if isinstance(error, RecursionError) else str(error.__cause__)
        raise BundleError(f"{relative} of {root.name} must be readable JSON, got: {reason}; mend the file") from error
    if not isinstance(value, dict):
        raise BundleError(f"{relative} of {root.name} must be a JSON object, got {type(value).__name__}; mend the file")
    return value


def _version(name: str, metadata: dict[str, Any], stock: bool) -> str:
    for key in REQUIRED_METADATA:
        if key not in metadata and not (stock and key in OURS):
            raise BundleError(f"configs/metadata.json of {name} must have the key {key!r}, got none; add it")
    version = metadata["version"]
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise BundleError(f"version of {name} must be like 0.1.0, got {version!r}; mend configs/metadata.json")
    told = metadata.get("changelog", {version: ""})
    if not isinstance(told, dict) or version not in told:
        raise BundleError(f"changelog of {name} must tell version {version}, got no such entry; add it")
    return version
