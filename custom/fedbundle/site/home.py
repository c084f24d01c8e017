"""The site home: the folder that a hospital owns and that outlives its NVFlare kits."""

import fcntl
import json
import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fedbundle.bundle.layout import NAME, checked_name
from fedbundle.errors import InputError, OutputError, SiteError
from fedbundle.files import new_file, new_folder, write_text
from fedbundle.site.settings import TEMPLATE, checked_settings

ENVIRONMENT = "FEDBUNDLE_SITE"
POINTER = Path("local/fedbundle.toml")  # in the kit
SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FOLDERS = ("bundles", "datasets", "local", "keys")
PER_BUNDLE = ("datasets", "roles", "structures", "bindings")  # tables of site.toml that name bundles
KEY_BYTES = 32


@dataclass(frozen=True)
class SiteHome:
    """A site home that is there and whose `site.toml` is valid."""

    path: Path  # absolute
    name: str  # of the site in the federation
    settings: dict[str, Any]  # site.toml

    @classmethod
    def open(cls, path: Path | None = None) -> "SiteHome":
        """Open the home `path`, or the one that the environment variable FEDBUNDLE_SITE names.

        Raises:
            InputError: neither is given.
            SiteError: no site home there, or its site.toml is not valid.
        """
        if path is None:
            named = os.environ.get(ENVIRONMENT)
            if not named:
                raise InputError(f"site home must be named, got none; give --site DIR or set {ENVIRONMENT}")
            path = Path(named)
        path = path.expanduser().resolve()
        known = (path / "keys" / "site.key").exists()
        advice = "restore it from a backup" if known else "make a site home with fedbundle site init"
        settings = checked_settings(_read_toml(path / "site.toml", advice))
        if not SITE_NAME.fullmatch(settings["name"]):
            raise SiteError(_bad_name(settings["name"]))
        if missing := [folder for folder in FOLDERS if not (path / folder).is_dir()]:
            raise SiteError(f"site home {path} must hold {missing[0]}/, got none; restore it from a backup")
        return cls(path, settings["name"], settings)

    @classmethod
    def create(cls, path: Path, name: str) -> "SiteHome":
        """Make a home for the site `name`; one that is there already and has this name is opened.

        Raises:
            InputError: a bad name, or a folder that holds something else.
            SiteError: the home of another site.
            OutputError: the place cannot be written.
        """
        if not SITE_NAME.fullmatch(name):
            raise InputError(_bad_name(name))
        path = path.expanduser().resolve()
        if (path / "site.toml").exists():
            home = cls.open(path)
            if home.name != name:
                raise SiteError(f"site home {path} must be of {name}, got {home.name}; choose another folder")
            return home
        if (path / "keys" / "site.key").exists():
            raise SiteError(f"site home {path} must hold site.toml, got none; restore it from a backup")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise InputError(f"site home must be a new or empty folder, got {path}; choose another place")
        if path.exists():
            _remove_empty(path)
        with new_folder(path) as part:
            _fill(part, name)
        path.chmod(0o700)
        return cls.open(path)

    @classmethod
    def of_kit(cls, kit: Path) -> "SiteHome":
        """Open the home that an NVFlare kit points to.

        Raises:
            SiteError: the kit points nowhere, or not to a site home.
        """
        advice = f"run fedbundle site init DIR --name NAME --kit {kit.name}"
        pointer = _read_toml(kit / POINTER, advice)
        target = pointer.get("site_home")
        if set(pointer) != {"site_home"} or not isinstance(target, str) or not Path(target).is_absolute():
            raise SiteError(f"{POINTER} of kit {kit.name} must hold one absolute path 'site_home'; {advice}")
        return cls.open(Path(target))

    def point_kit(self, kit: Path) -> None:
        """Let the NVFlare kit use this home.

        Raises:
            InputError: the folder is no kit.
        """
        if not ((kit / "startup").is_dir() and (kit / "local").is_dir()):
            raise InputError(f"kit must be a folder with startup/ and local/, got {kit}; check the path")
        write_text(kit / POINTER, f"site_home = {json.dumps(str(self.path), ensure_ascii=False)}\n")

    def bundle_dir(self, name: str) -> Path:
        """Where the bundle `name` lies when it is installed; BundleError for what cannot be a name."""
        return self.path / "bundles" / checked_name(name)

    def installed(self) -> list[str]:
        """Names of the installed bundles, sorted."""
        return sorted(entry.name for entry in (self.path / "bundles").iterdir() if NAME.fullmatch(entry.name))

    def misnamed(self, bundle: str = "") -> list[str]:
        """Tables and keys of site.toml for bundles that are neither installed nor `bundle`: probably a typing error."""
        known = {*self.installed(), bundle}
        return [f"{of}.{name}" for of in PER_BUNDLE for name in sorted(self.settings[of].keys() - known)]

    def dataset_dir(self, bundle: str) -> Path:
        """Where the dataset for the bundle lies: `datasets/<bundle>`, or what `[datasets]` of site.toml says."""
        override = self.settings["datasets"].get(checked_name(bundle))
        return self.path / override if override else self.path / "datasets" / bundle

    def place_for_dataset(self, bundle: str) -> Path:
        """`dataset_dir` to write to.

        Raises:
            InputError: site.toml names a folder that is not there; a drive that is not mounted must not be replaced.
        """
        folder = self.dataset_dir(bundle).resolve()
        if bundle in self.settings["datasets"] and not folder.is_dir():
            raise InputError(
                f"datasets.{bundle} of site.toml must be a folder that is there, got {folder}; "
                "mount its drive or make the folder"
            )
        return folder

    def role_rules(self, bundle: str) -> dict[str, dict[str, Any]]:
        """Role -> what `[roles.<bundle>.<role>]` of site.toml adds to the bundle's rules for it."""
        found: dict[str, dict[str, Any]] = self.settings["roles"].get(checked_name(bundle), {})
        return found

    def local_dir(self, bundle: str) -> Path:
        """Where weights of the bundle lie that never leave this site."""
        return self.path / "local" / checked_name(bundle)

    @property
    def min_cell(self) -> int:
        """Smallest count of patients that leaves this site as a number; smaller ones leave as `<k`."""
        return int(self.settings["limits"]["min_cell"])

    @property
    def max_dropped(self) -> float:
        """Share of a dataset's cases, 0 to 1, that may be missing or damaged before this site refuses a run."""
        return float(self.settings["limits"]["max_dropped"])

    def key(self) -> bytes:
        """The site's secret key, 32 bytes.

        Raises:
            SiteError: it is missing or damaged.
        """
        try:
            key = (self.path / "keys" / "site.key").read_bytes()
        except OSError as error:
            raise SiteError(
                f"keys/site.key of {self.name} must be readable, got {error.strerror}; restore it from a backup"
            ) from error
        if len(key) != KEY_BYTES:
            raise SiteError(f"keys/site.key of {self.name} must be {KEY_BYTES} bytes, got {len(key)}; restore it")
        return key

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from changing this home; waits for its turn, is freed when the process ends."""
        try:
            file = (self.path / ".lock").open("a")
        except OSError as error:
            raise SiteError(
                f"site home of {self.name} must be writable, got {error.strerror}; use the account that owns it"
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def record_run(self, entry: dict[str, Any]) -> None:
        """Append `entry` with the time (UTC) to runs.jsonl: which run used which version of a dataset.

        Args:
            entry: JSON values; must have `job`, `bundle`, `recipe_digest`, and `dataset` (SHA-256 of datalist.json).

        Raises:
            ValueError: one of these keys is missing.
        """
        if missing := {"job", "bundle", "recipe_digest", "dataset"} - set(entry):
            raise ValueError(f"a run must name its {', '.join(sorted(missing))}, got {', '.join(sorted(entry))}")
        line = json.dumps({"time": utc_now(), **entry}, ensure_ascii=False, allow_nan=False)
        with self.lock():
            append_line(self.path / "runs.jsonl", line)


def utc_now() -> str:
    """Now, as ISO 8601 in UTC to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def records_of(home: SiteHome, name: str, keys: set[str]) -> list[dict[str, Any]]:
    """JSON objects of a file of the site home, one per line; none when it is not there.

    Raises:
        SiteError: a line is no object with these keys, or the file cannot be read.
    """
    path = home.path / name
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        sound = all(keys <= line.keys() for line in lines)
    except (OSError, ValueError, AttributeError) as error:
        raise SiteError(
            f"{name} must be readable JSON lines, got {type(error).__name__}; restore it from a backup"
        ) from error
    if not sound:
        raise SiteError(f"lines of {name} must have {', '.join(sorted(keys))}, got one without; restore it")
    return lines


def append_line(path: Path, line: str) -> None:
    """Add one line to a text file, all of it or nothing; the caller holds the lock."""
    before = path.read_bytes() if path.exists() else b""
    with new_file(path) as part:
        part.write_bytes(before + line.encode() + b"\n")


def _remove_empty(path: Path) -> None:
    try:
        path.rmdir()
    except OSError as error:
        raise OutputError(
            f"site home must be a new folder, got {path}: {error.strerror}; choose one below it"
        ) from error


def _fill(folder: Path, name: str) -> None:
    for child in FOLDERS:
        (folder / child).mkdir()
    (folder / "keys").chmod(0o700)
    key = folder / "keys" / "site.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(KEY_BYTES))
    for child in ("approvals.jsonl", "runs.jsonl", ".lock"):
        (folder / child).touch()
    (folder / "site.toml").write_text(TEMPLATE.format(name=json.dumps(name)), encoding="utf-8")


def _read_toml(path: Path, advice: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SiteError(f"{path} must be there, got no such file; {advice}") from error
    except (OSError, ValueError) as error:
        raise SiteError(f"{path} must be readable TOML, got: {error}; mend the file") from error


def _bad_name(name: str) -> str:
    return f"site name must be 1 to 64 letters, digits, dots, dashes or underscores, got {name!r}; use the kit's name"
