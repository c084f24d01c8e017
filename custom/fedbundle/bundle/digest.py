"""The two digests of a bundle: what a hospital approves (recipe) and what an export signs (release).

Both are SHA-256 over a sequence of files. Per file, in the order of the paths' UTF-8 bytes:

    path relative to the bundle, POSIX, UTF-8 | 0x00 | length in bytes, decimal ASCII | 0x00 | the bytes

A path holds no zero byte and the length comes before the bytes, so two different sets of files never give one sequence.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fedbundle.bundle.layout import bundle_files
from fedbundle.bundle.vendor import FEDBLOCKS, RECORD, fedblocks_files
from fedbundle.errors import BundleError


def recipe_digest(bundle_dir: Path) -> str:
    """Digest of what runs: `configs/**`, every `*.py`, and fedblocks, as `sha256:<64 hex digits>`.

    Where the bundle carries no `fedblocks/`, the installed package stands in under the same paths,
    so a source bundle, its installed copy and its trained release have one recipe digest.

    Raises:
        BundleError: links, special files or compiled code in the bundle.
    """
    files = bundle_files(bundle_dir)
    recipe = {path: file for path, file in files.items() if _is_recipe(path)}
    if not (bundle_dir / FEDBLOCKS).is_dir():
        recipe |= fedblocks_files()
    return _digest(recipe)


def release_digest(bundle_dir: Path) -> str:
    """Digest of all files but `digests.json`: weights, card and results included.

    Raises:
        BundleError: links, special files or compiled code in the bundle.
    """
    return _digest({path: file for path, file in bundle_files(bundle_dir).items() if path != RECORD})


def short(digest: str) -> str:
    """First 12 hexadecimal digits: enough for a person to compare."""
    return digest.removeprefix("sha256:")[:12]


def _is_recipe(path: str) -> bool:
    return path.startswith("configs/") or path.endswith(".py")


def _digest(files: Mapping[str, Path]) -> str:
    total = hashlib.sha256()
    encoded = {path.encode("utf-8", "surrogateescape"): file for path, file in files.items()}
    for path in sorted(encoded):
        content = _content(encoded[path])
        total.update(b"%b\0%d\0%b" % (path, len(content), content))
    return f"sha256:{total.hexdigest()}"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(
            f"files of a bundle must be readable, got {error.strerror} for {file.name}; mend it"
        ) from error
