"""Files that appear whole or not at all, and their digests."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedbundle.errors import InputError, OutputError

UMASK = os.umask(0o077)  # can only be read by setting it
os.umask(UMASK)
UNWRITABLE = frozenset(
    {
        errno.EACCES,
        errno.EBUSY,
        errno.EDQUOT,
        errno.EEXIST,
        errno.EFBIG,
        errno.EIO,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTCONN,  # a network disk that has gone
        errno.ENOTDIR,
        errno.ENOTEMPTY,
        errno.EPERM,
        errno.EROFS,
        errno.ESTALE,
    }
)


@contextmanager
def new_file(path: Path, make_parents: bool = True) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it replaces `path`, on any error it is removed.

    Args:
        path: the file.
        make_parents: make the folder when it is not there; else that is an error, as of a disk that has gone.

    Raises:
        OutputError: the folder cannot be written or the disk is full.
    """
    with writing(path):
        if make_parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o666 & ~UMASK)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, make_parents: bool = True) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success it becomes `path` (an older one is replaced).

    Args:
        path: the folder.
        make_parents: make its parent when that is not there; else that is an error.

    Raises:
        OutputError: the folder cannot be written or the disk is full.
    """
    with writing(path):
        if make_parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            yield part
            part.chmod(0o777 & ~UMASK)
            old = part.with_suffix(".old")
            if path.exists():
                path.rename(old)
            try:
                part.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk, its rights or its absence does to work on `path` into an error that says so.

    Raises:
        OutputError: the place is full, closed or gone.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise OutputError(
            f"output must be writable, got {error.strerror} for {path}; free space, mend its rights or choose another"
        ) from error


def write_text(path: Path, text: str, make_parents: bool = True) -> None:
    """Write `text` as UTF-8; the file appears whole or not at all."""
    with new_file(path, make_parents) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, make_parents: bool = True) -> None:
    """Write `value` as indented JSON with sorted keys left in order; whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", make_parents)


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        InputError: the file is absent or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} must be readable JSON, got: {error}; check the path and the file") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(path: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, as 64 hexadecimal digits."""
    files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if not file.is_dir())
    return hashlib.sha256("".join(f"{sha256(file)}  {name}\n" for name, file in files).encode()).hexdigest()
