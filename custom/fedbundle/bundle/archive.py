"""Zip a bundle the same way every time, and unzip one without trusting it."""

import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fedbundle.bundle.layout import COMPILED, bundle_files, checked_name
from fedbundle.errors import BundleError
from fedbundle.files import new_folder

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
MAX_FILES = 10_000
MAX_BYTES = 4 * 2**30
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
MAX_NAME = 200  # bytes in one part of a path
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError, RuntimeError)


def pack(root: Path, target: Path) -> None:
    """Write the bundle folder `root` into the zip `target`, under one folder of the bundle's name.

    Sorted names, fixed times and rights: the same files give the same bytes.

    Raises:
        BundleError: links, special files or compiled code in the bundle.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for relative, file in bundle_files(root).items():
            entry = zipfile.ZipInfo(f"{root.name}/{relative}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as content, archive.open(entry, "w") as stream:
                shutil.copyfileobj(content, stream, 2**20)


def unpack(archive: Path, target: Path, max_bytes: int = MAX_BYTES) -> Path:
    """Unzip a bundle into the folder `target` and return the bundle's folder, `target/<name>`.

    Nothing is written outside that folder, no links, no compiled code, at most 10,000 files and `max_bytes`
    bytes, however the zip declares itself; the folder appears whole or not at all.

    Raises:
        BundleError: no zip, a damaged one, or one that breaks these rules.
        OutputError: `target` cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            entries = _checked(archive, source.infolist(), max_bytes)
            name = checked_name(entries[0].filename.split("/")[0])
            with new_folder(target / name) as part:
                left = max_bytes
                for entry in entries:
                    left -= _extract(source, entry, part / entry.filename.removeprefix(f"{name}/"), left)
    except DAMAGE as error:
        raise BundleError(f"{archive.name} must be a whole zip, got: {error}; fetch it again") from error
    return target / name


def _checked(archive: Path, entries: list[zipfile.ZipInfo], max_bytes: int) -> list[zipfile.ZipInfo]:
    files = [entry for entry in entries if not entry.is_dir()]
    if not files or len(entries) > MAX_FILES:
        raise _refused(archive, f"hold 1 to {MAX_FILES} files", str(len(entries)))
    if sum(entry.file_size for entry in files) > max_bytes:
        raise _refused(archive, f"unpack to at most {max_bytes} bytes", "more")
    folder, seen = files[0].filename.split("/")[0], set()
    folders = {str(above).casefold() for file in files for above in PurePosixPath(file.filename).parents}
    for entry in entries:
        name, parts = entry.filename, entry.filename.rstrip("/").split("/")
        if "\\" in name or ":" in name or any(map(_unfit, parts)):
            raise _refused(archive, "hold plain relative paths", repr(name))
        if parts[0] != folder or (len(parts) == 1 and not entry.is_dir()):
            raise _refused(archive, "hold one folder, the bundle", repr(name))
        if entry.flag_bits & ENCRYPTED or entry.compress_type not in METHODS:
            raise _refused(archive, "be plain or deflated", f"another method for {name!r}")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, "hold files only", f"a link or device {name!r}")
        if "__pycache__" in parts or PurePosixPath(name).suffix.lower() in COMPILED:
            raise _refused(archive, "hold readable code only", repr(name))
        if name.casefold() in seen or (not entry.is_dir() and name.casefold() in folders):
            raise _refused(archive, "hold each name once", repr(name))
        seen.add(name.casefold())
    return files


def _unfit(part: str) -> bool:
    return part in ("", ".", "..") or not part.isprintable() or len(part.encode()) > MAX_NAME


def _extract(source: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, limit: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source.open(entry) as content, path.open("xb") as file:
        while chunk := content.read(2**20):
            written += len(chunk)
            if written > limit:
                raise BundleError(f"{entry.filename} must unpack to the size it declares, got more; do not trust it")
            file.write(chunk)
    return written


def _refused(archive: Path, rule: str, got: str) -> BundleError:
    return BundleError(f"{archive.name} must {rule}, got {got}; ask for a zip that fedbundle export made")
