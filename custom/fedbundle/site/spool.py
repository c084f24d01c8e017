"""Folders for copies of patients' images while they are read; a note in the site home keeps them from being forgotten.

A note is a file that its process holds locked; one that nobody holds is of a run that was killed.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedbundle.errors import OutputError
from fedbundle.files import writing
from fedbundle.site.home import SiteHome

NOTES = ".spools"


@contextmanager
def spool(home: SiteHome, folder: Path) -> Iterator[Path]:
    """Make `folder` anew, open to its owner only, and remove it on leaving; what killed runs have left is cleared.

    Raises:
        OutputError: it cannot be made, or not be noted.
    """
    for former, left in _left(home):
        _clear(former, left)
    with writing(home.path):
        (home.path / NOTES).mkdir(mode=0o700, exist_ok=True)
        note = tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=home.path / NOTES, delete=False)  # noqa: SIM115
    with note:
        fcntl.flock(note, fcntl.LOCK_EX)
        with writing(home.path):
            note.write(str(folder))
            note.flush()
        try:
            _make(folder)
            yield folder
        finally:
            _clear(Path(note.name), folder)


def forgotten(home: SiteHome) -> list[Path]:
    """Folders with copies that killed runs have left. Changes nothing."""
    return [folder for _, folder in _left(home) if folder.exists()]


def _left(home: SiteHome) -> list[tuple[Path, Path]]:
    """Notes that no process holds, and the folders that they name."""
    found = []
    for path in sorted((home.path / NOTES).glob("*")):
        try:
            with path.open(encoding="utf-8") as note:
                fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
                named = note.read()
        except (FileNotFoundError, BlockingIOError):  # of a run that has just ended, or goes on
            continue
        if named:
            found.append((path, Path(named)))
    return found


def _clear(note: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        note.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise OutputError(
            f"folder for copies must be writable, got {error.strerror} for {folder}; remove it or choose another place"
        ) from error
