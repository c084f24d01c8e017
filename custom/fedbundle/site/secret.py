"""Secrets of the hospital that lie in files of their own: passwords and tokens, readable by their owner alone."""

import stat
from pathlib import Path

from fedbundle.errors import SiteError

LONGEST = 64 << 10  # bytes


def read_secret(path: Path, key: str) -> str:
    """Content of a secret's file without blanks around it.

    Args:
        path: the file.
        key: where site.toml names it, for messages.

    Raises:
        SiteError: it cannot be read, others than its owner may read it, or it holds not exactly one line.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SiteError(f"file of {key} in site.toml must have mode 0600, got {mode:04o}; chmod 600 it")
        with path.open(encoding="utf-8") as file:
            secret = file.read(LONGEST).strip()
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        raise SiteError(f"file of {key} in site.toml must be readable, got {told}; mend the path") from error
    if not secret or len(secret.splitlines()) > 1:
        raise SiteError(f"file of {key} in site.toml must hold one line, got {len(secret.splitlines())}; mend it")
    return secret
