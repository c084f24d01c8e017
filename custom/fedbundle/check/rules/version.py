"""The version is told by the changelog, and packages are named to the last figure."""

import re
from collections.abc import Iterator

from fedbundle.bundle.layout import VERSION
from fedbundle.check.finding import Problem
from fedbundle.check.subject import METADATA, Subject

EXACT = re.compile(r"[0-9]+(\.[0-9]+)+([-+.]?[A-Za-z0-9]+)*")
ALONE = ("monai_version", "numpy_version", "pytorch_version")


def version(bundle: Subject) -> Iterator[Problem]:
    """Version, changelog, exact packages."""
    told = bundle.metadata
    current = told.get("version")
    if not isinstance(current, str) or not VERSION.fullmatch(current):
        yield Problem(METADATA, "version", f"must be like 0.1.0, got {current!r}; mend it")
    elif current not in (told.get("changelog") or {}) and ("changelog" in told or not bundle.stock):
        yield Problem(METADATA, "changelog", f"must tell version {current}, got no such entry; add it")
    packages = {key: told.get(key) for key in ALONE if key in told}
    named = told.get("required_packages_version")
    packages |= {f"required_packages_version#{n}": v for n, v in (named if isinstance(named, dict) else {}).items()}
    for key, wanted in packages.items():
        if not isinstance(wanted, str) or not EXACT.fullmatch(wanted):
            yield Problem(METADATA, key, f"must be one exact version, got {wanted!r}; name the one it was tried with")
