"""`[structures.<bundle>]` of site.toml: what this hospital calls the structures of a bundle's label set."""

from collections.abc import Mapping
from typing import Any

from fedbundle.bundle.layout import NAME
from fedbundle.errors import SiteError


def check_structures(structures: dict[str, Any]) -> None:
    """Check that every bundle has a table of voxel values, each with its names.

    Raises:
        SiteError: something else stands there.
    """
    for bundle, table in structures.items():
        sound = NAME.fullmatch(bundle) and isinstance(table, dict)
        for value, names in table.items() if sound else ():
            listed = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
            sound = sound and value.isdecimal() and listed
        if not sound:
            raise SiteError(
                f'structures.{bundle} in site.toml must hold lines like 1 = ["name", "other name"]; mend the file'
            )


def with_structures(rules: dict[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """Rules of a bundle with a site's names added to `label.segments`.

    Args:
        rules: content of configs/ingest.json, checked.
        names: voxel value -> names, from site.toml, checked.

    Raises:
        SiteError: a value that the bundle's label set does not have.
    """
    if not names:
        return rules
    label = rules.get("label", {"values": {}})
    if strange := sorted(names.keys() - (label["values"].keys() - {"0"})):
        raise SiteError(f"[structures] of site.toml must name values of the label set, got {strange[0]}; mend the file")
    segments = dict(label.get("segments", {}))
    for value, added in names.items():
        declared = segments.get(value, {})
        segments[value] = declared | {"names": [*declared.get("names", [label["values"][value]]), *added]}
    return rules | {"label": label | {"segments": segments}}
