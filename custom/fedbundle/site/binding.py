"""What a bundle takes from a site, and at which of its ids: the cases of a run, and values of the hospital's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedbundle.bundle.ids import has
from fedbundle.bundle.layout import Bundle
from fedbundle.errors import BundleError, DatasetError, SiteError
from fedbundle.files import read_json
from fedbundle.site.home import SiteHome

PARTS = {"training": "train", "validation": "validate"}  # where MONAI's specification puts the cases
PAGE = "docs/how-to/federate-a-stock-bundle.md tells how"


@dataclass(frozen=True)
class Binding:
    """Ids of a bundle's train.json that take this site's cases and values; the default is fedbundle's convention.

    By that convention a bundle reads its cases from the file `datalist`, those to be evaluated from the section
    `validation_section`. Another bundle is given them at the ids `training` and `validation`.
    """

    training: str = ""  # "" = by the convention
    validation: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, home: SiteHome, bundle: Bundle) -> "Binding":
        """The binding of an installed bundle at this site.

        Raises:
            DatasetError: it is a stock bundle, and site.toml does not bind it.
            SiteError: site.toml binds one that is none.
            BundleError: it lacks an id that the binding names.
        """
        if not bundle.stock:
            if bundle.name in home.settings["bindings"]:
                raise SiteError(
                    f"bindings in site.toml must be of bundles without rules for DICOM, got {bundle.name}, whose data "
                    "come from fedbundle ingest; remove its table"
                )
            return cls()
        table = binding_table(home, bundle.name)
        ids = {key: table.get(key, f"{part}#dataset#data") for key, part in PARTS.items()}
        found = cls(**ids, values=table.get("values", {}))
        config = read_json(bundle.root / "configs" / "train.json")
        for key, name in ids.items():
            if not has(config, name):
                raise BundleError(
                    f"configs/train.json of {bundle.name} must have the id {name} for its {key} cases, got none; write "
                    f'{key} = "<the id that takes the list of cases>" under [bindings.{bundle.name}] in site.toml'
                )
        for name in found.values:
            if not has(config, name):
                raise BundleError(
                    f"configs/train.json of {bundle.name} must have the id {name}, got none; mend or remove it under "
                    f"[bindings.{bundle.name}.values] in site.toml"
                )
        return found


def datalist_file(home: SiteHome, bundle: Bundle) -> Path:
    """The file that names the cases for a bundle; DatasetError where a stock bundle is not bound."""
    if not bundle.stock:
        return home.dataset_dir(bundle.name) / "datalist.json"
    table = binding_table(home, bundle.name)
    return home.path / str(table["dataset_dir"]) / str(table["datalist"])


def binding_table(home: SiteHome, bundle: str) -> dict[str, Any]:
    """`[bindings.<bundle>]` of site.toml; DatasetError where there is none."""
    table: dict[str, Any] | None = home.settings["bindings"].get(bundle)
    if table is None:
        raise DatasetError(
            f"{bundle} must be bound to data of {home.name}, since it brings no rules for DICOM, got no binding; write "
            f"[bindings.{bundle}] with dataset_dir and datalist in site.toml, {PAGE}"
        )
    return table
