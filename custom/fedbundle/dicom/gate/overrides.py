"""What a site adds to a bundle's rules for a role, `[roles.<bundle>.<role>]` of site.toml, and what it replaces."""

from collections.abc import Mapping
from typing import Any

from fedbundle.errors import SiteError

PATTERNS = ("prefer", "none", "also")  # join those of the role
WORDS = ("body_part",)  # join those of the role
REPLACED = ("age_years", "placeholder_spacing", "colour")
ACCEPT, REFUSE = "accept", "refuse"
GREY_IF_EQUAL = "grey if equal"  # colour images whose channels are equal are read as grey


def with_site(rules: dict[str, Any], site: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Rules of a bundle as one site applies them.

    `prefer`, `none` and `also` join the patterns of `description` (a name that matches `also` is admitted whatever
    the other patterns say), `body_part` joins the admitted names, and the rules of REPLACED take the bundle's place.

    Args:
        rules: content of configs/ingest.json, checked.
        site: role -> what `[roles.<bundle>.<role>]` of site.toml says, checked.

    Raises:
        SiteError: a role that the bundle does not have.
    """
    if unknown := sorted(set(site) - set(rules["inputs"])):
        raise SiteError(
            f"[roles] of site.toml must name roles of the bundle ({', '.join(rules['inputs'])}), got {unknown[0]!r}; "
            "mend the file"
        )
    return rules | {"inputs": {role: _merged(wanted, site.get(role, {})) for role, wanted in rules["inputs"].items()}}


def _merged(wanted: dict[str, Any], site: dict[str, Any]) -> dict[str, Any]:
    role = wanted | {rule: site[rule] for rule in REPLACED if rule in site}
    if patterns := {kind: site[kind] for kind in PATTERNS if kind in site}:
        described_as = wanted.get("description", {})
        joined = {kind: [*described_as.get(kind, ()), *added] for kind, added in patterns.items()}
        role["description"] = described_as | joined
    return role | {rule: [*wanted[rule], *site[rule]] for rule in WORDS if rule in site and rule in wanted}
