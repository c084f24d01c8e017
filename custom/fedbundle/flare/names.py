"""Checks of every value that a job may set; anything else is refused before it can be used."""

import re
from collections.abc import Sequence

from fedbundle.bundle.declared import SIZES, WEIGHT
from fedbundle.errors import JobRefusedError
from fedbundle.flare.shared import LOCAL, SHARED
from fedbundle.site.dataset import SECTIONS


def checked_bundle(name: str) -> str:
    """A bundle's name: lower-case letters, digits and underscores, at most 64."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ValueError(f"bundle must be a name like prostate_mri_zones, got {name!r}; a job names, it never points")
    return name


def checked_digest(digest: str) -> str:
    """A recipe digest: `sha256:` and 64 hexadecimal digits."""
    if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ValueError(f"recipe_digest must be sha256: and 64 hexadecimal digits, got {digest!r}")
    return digest


def checked_count(what: str, value: int, low: int, high: int) -> int:
    """A whole number within declared bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}, got {value!r}")
    return value


def checked_momentum(value: float) -> float:
    """A server's momentum: from 0, which is plain averaging, to 0.99; at 1 nothing would ever come to rest."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.99:
        raise ValueError(f"server_momentum must be from 0 to 0.99, got {value!r}")
    return float(value)


def checked_section(section: str) -> str:
    """A section of a datalist; it becomes part of a config, where other text could be an expression."""
    if section not in SECTIONS:
        raise JobRefusedError(f"section must be one of {', '.join(SECTIONS)}, got another; ask the consortium admin")
    return section


def checked_size(size: str) -> str:
    """A size of a bundle."""
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {size!r}")
    return size


def checked_prefixes(prefixes: Sequence[str]) -> list[str]:
    """Prefixes of names of weights, at most 64."""
    sound = isinstance(prefixes, list | tuple) and len(prefixes) <= 64
    if not sound or not all(isinstance(each, str) and WEIGHT.fullmatch(each) for each in prefixes):
        raise ValueError(f"keep_local must list at most 64 prefixes like appearance., got {prefixes!r}")
    return list(prefixes)


def checked_batch_statistics(value: str) -> str:
    """Whether running statistics of batch norms travel."""
    if value not in (LOCAL, SHARED):
        raise ValueError(f"batch_statistics must be {LOCAL} or {SHARED}, got {value!r}")
    return value


def checked_seconds(what: str, value: float, low: float, high: float) -> float:
    """A time within declared bounds, so that no wait is endless."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{what} must be from {low:g} to {high:g} seconds, got {value!r}")
    return float(value)
