"""`site.toml`: what a hospital sets for itself; unknown keys are refused, so a typing error is never ignored."""

from typing import Any

from fedbundle.bundle.layout import NAME
from fedbundle.errors import SiteError
from fedbundle.site.role_settings import check_roles
from fedbundle.site.structure_settings import check_structures

TEMPLATE = """\
# Settings of this site home. The hospital owns this file; reissued kits do not touch it.
# `fedbundle doctor` checks it; a key that is not known here is refused.

name = {name}  # the site's name in the federation, as in its kit

[gpus]
count = 0       # GPUs that jobs may use; 0 = train on the CPU
memory_gib = 0  # memory that each of them has at least, in GiB

[limits]
min_cell = 5       # counts of patients below this leave the site as "<5"
max_dropped = 0.05 # share of a dataset's cases that may be missing or damaged before a run is refused

# What your series are called, for ingest: added to a bundle's rules for one of its inputs, or in place of a limit.
# docs/reference/ingest-rules.md tells each key. Without the #, for the input `image` of the bundle:
# [roles.prostate_mri_zones.image]
# prefer = ["axial highres"]
[structures]
# What you call the structures of a DICOM SEG or RTSTRUCT, by voxel value of the bundle's label set:
# [structures.prostate_mri_zones]
# 2 = ["my name for the peripheral zone"]

[datasets]
# Datasets lie in datasets/<bundle>. One that lies elsewhere is named here, absolute or relative to this folder:
# prostate_mri_zones = "/data/federated/prostate_mri_zones"
"""

# table -> key -> (default, lowest, highest); a whole default admits whole numbers only
NUMBERS: dict[str, dict[str, tuple[float, float, float]]] = {
    "gpus": {"count": (0, 0, 1024), "memory_gib": (0.0, 0, 1024)},
    "limits": {"min_cell": (5, 1, 1000), "max_dropped": (0.05, 0, 1)},
}


def checked_settings(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with every table and key present.

    Args:
        raw: site.toml as read.

    Raises:
        SiteError: a key is unknown or missing, or a value has the wrong type or range.
    """
    tables = ("gpus", "limits", "datasets", "roles", "structures")
    settings = {table: {} for table in tables} | raw
    _known("", settings, ("name", *tables))
    if not isinstance(settings.get("name"), str):
        raise _wrong("name", "a text", settings.get("name"))
    for table in tables:
        if not isinstance(settings[table], dict):
            raise _wrong(table, "a table", settings[table])
    for table, numbers in NUMBERS.items():
        _known(f"{table}.", settings[table], tuple(numbers))
        settings[table] = {
            key: _number(f"{table}.{key}", settings[table].get(key, bounds[0]), bounds)
            for key, bounds in numbers.items()
        }
    for bundle, folder in settings["datasets"].items():
        if not NAME.fullmatch(bundle):
            raise _wrong(f"datasets.{bundle}", "named like a bundle", bundle)
        if not isinstance(folder, str) or not folder:
            raise _wrong(f"datasets.{bundle}", "a folder", folder)
    check_roles(settings["roles"])
    check_structures(settings["structures"])
    return settings


def _number(key: str, value: Any, bounds: tuple[float, float, float]) -> float:
    default, low, high = bounds
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not low <= value <= high:
        raise _wrong(key, f"a {'whole ' if whole else ''}number from {low:g} to {high:g}", value)
    return value


def _known(prefix: str, table: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            raise SiteError(
                f"site.toml must hold known keys only, got {prefix + key!r}; "
                f"known are {', '.join(prefix + known for known in keys)}"
            )


def _wrong(key: str, rule: str, value: Any) -> SiteError:
    return SiteError(f"{key} in site.toml must be {rule}, got {value!r}; mend the file")
