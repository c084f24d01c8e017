"""`[roles.<bundle>.<role>]` of site.toml: a hospital's own names for series, and the limits of a bundle it lifts."""

import re
from typing import Any

from fedbundle.bundle.layout import NAME
from fedbundle.dicom.gate.overrides import ACCEPT, GREY_IF_EQUAL, PATTERNS, REFUSE, WORDS
from fedbundle.errors import SiteError

ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
CHOICES = {"placeholder_spacing": (ACCEPT, REFUSE), "colour": (GREY_IF_EQUAL,)}
KEYS = (*PATTERNS, *WORDS, "age_years", *CHOICES)
OLDEST = 150


def check_roles(bundles: dict[str, Any]) -> None:
    """Check the table: bundle -> role -> key -> value.

    Raises:
        SiteError: a name or key is not allowed, a value is of the wrong kind, or a pattern is no regular expression.
    """
    for bundle, roles in bundles.items():
        if not NAME.fullmatch(bundle) or not isinstance(roles, dict):
            raise _wrong(f"roles.{bundle}", "a table named like a bundle, of tables named like its inputs", roles)
        for role, rules in roles.items():
            if not ROLE.fullmatch(role) or not isinstance(rules, dict):
                raise _wrong(f"roles.{bundle}.{role}", "a table named like an input of the bundle", rules)
            for key, value in rules.items():
                _check(f"roles.{bundle}.{role}.{key}", key, value)


def _check(place: str, key: str, value: Any) -> None:
    if key not in KEYS:
        raise SiteError(f"site.toml must hold known keys only, got {place!r}; known there are {', '.join(KEYS)}")
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise _wrong(place, " or ".join(repr(choice) for choice in CHOICES[key]), value)
    elif key == "age_years":
        _check_age(place, value)
    elif not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise _wrong(place, "a list of texts", value)
    elif key in PATTERNS:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise _wrong(place, f"a list of regular expressions ({error})", pattern) from error


def _check_age(place: str, value: Any) -> None:
    if not isinstance(value, dict) or not value or set(value) - {"min", "max", "unknown"}:
        raise _wrong(place, "a table with min, max or unknown", value)
    for name in ("min", "max"):
        years = value.get(name, 0)
        if isinstance(years, bool) or not isinstance(years, (int, float)) or not 0 <= years <= OLDEST:
            raise _wrong(f"{place}.{name}", f"a number of years from 0 to {OLDEST}", years)
    if value.get("unknown", ACCEPT) not in (ACCEPT, REFUSE):
        raise _wrong(f"{place}.unknown", f"{ACCEPT!r} or {REFUSE!r}", value["unknown"])


def _wrong(place: str, rule: str, value: Any) -> SiteError:
    return SiteError(f"{place} in site.toml must be {rule}, got {value!r}; mend the file")
