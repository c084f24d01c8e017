"""Whether faces are removed in an ingest: what the bundle's rules ask for, and the program that site.toml names."""

import shutil
from collections.abc import Mapping
from typing import Any

from fedbundle.errors import InputError, SiteError
from fedbundle.site.home import SiteHome
from fedbundle.site.settings import DEFACE


def heads_of(rules: Mapping[str, Any]) -> list[str]:
    """Roles of configs/ingest.json that show a head."""
    return [role for role, rule in rules["inputs"].items() if "deface" in rule]


def deface_command_of(home: SiteHome, rules: Mapping[str, Any], keep_dicom: bool) -> tuple[str, ...]:
    """The program and its arguments; empty where no role shows a head, or the site names none.

    Raises:
        SiteError: the program is not there.
        InputError: DICOM would be kept of a series that is defaced, and would show the face.
    """
    command = tuple(home.settings["deidentify"][DEFACE])
    heads = heads_of(rules)
    if not (command and heads):
        return ()
    if shutil.which(command[0]) is None:
        raise SiteError(f"deidentify.{DEFACE} of site.toml must begin with a program, got {command[0]!r}; mend it")
    if keep_dicom:
        raise InputError(
            f"--keep-dicom must be left out where faces are removed, got it with {', '.join(heads)}; "
            "kept DICOM would show the face"
        )
    return command
