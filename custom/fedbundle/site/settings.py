"""`site.toml`: what a hospital sets for itself; unknown keys are refused, so a typing error is never ignored."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fedbundle.bundle.layout import NAME
from fedbundle.dicom.deid.options import Options
from fedbundle.errors import SiteError
from fedbundle.site.binding_settings import check_bindings
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
min_cell = 5       # counts of fewer patients than this leave the site as "<5"; 1 = all are exact
max_dropped = 0.05 # share of a dataset's cases that may be missing or damaged before a run is refused

# What your series are called, for ingest: added to a bundle's rules for one of its inputs, or in place of a limit.
# docs/reference/ingest-rules.md tells each key. Without the #, for the input `image` of the bundle:
# [roles.prostate_mri_zones.image]
# prefer = ["axial highres"]

[structures]
# What you call the structures of a DICOM SEG or RTSTRUCT, by voxel value of the bundle's label set:
# [structures.prostate_mri_zones]
# 2 = ["my name for the peripheral zone"]

[deidentify]
rebase = false # true: geometry in another place and direction, so that affines link no two releases of one scan
# Of the DICOM that --keep-dicom keeps; docs/reference/deidentification.md tells what each option of PS3.15 does:
retain_shifted_dates = false
retain_device_identity = false
clean_descriptors = false
retain_safe_private = false
# A program that removes faces from head scans, for bundles that ask for it; docs/how-to/ingest.md tells more:
# deface_command = ["/opt/deface/run.sh", "{{input}}", "{{output}}"]

[datasets]
# Datasets lie in datasets/<bundle>. One that lies elsewhere is named here, absolute or relative to this folder:
# prostate_mri_zones = "/data/federated/prostate_mri_zones"

# Data for a bundle that brings no rules for DICOM; docs/how-to/federate-a-stock-bundle.md tells each key.
# [bindings.spleen_ct_segmentation]
# dataset_dir = "/data/spleen"    # a folder that you have prepared
# datalist = "dataset_0.json"     # in it: the cases of training, validation and test

# Where `fedbundle ingest --pacs NAME` finds a PACS; docs/how-to/ingest.md tells what each key means.
# [pacs.main]
# host = "pacs.hospital.example"
# port = 104
# ae_title = "PACS"
# calling_ae_title = "FEDBUNDLE"
# retrieve = "get"  # or "move", with listen_port = 11112

# How `fedbundle ingest --dicomweb URL` is let in. Secrets lie in files with mode 0600, never here.
# [dicomweb.main]
# url = "https://pacs.hospital.example/dicom-web"
# user = "fedbundle"
# password_file = "keys/dicomweb.password"  # or, without user: token_file
"""

DEIDENTIFY = asdict(Options())
DEFACE, INPUT, OUTPUT = "deface_command", "{input}", "{output}"

# table -> key -> (default, lowest, highest); a whole default admits whole numbers only
NUMBERS: dict[str, dict[str, tuple[float, float, float]]] = {
    "gpus": {"count": (0, 0, 1024), "memory_gib": (0.0, 0, 1024)},
    "limits": {"min_cell": (5, 1, 1000), "max_dropped": (0.05, 0, 1)},
}

# key -> (rule, what holds of its value); a key with a default may be left out
Rule = tuple[str, Callable[[Any], bool]]
SERVER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
AE_TITLE = re.compile(r"[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?")  # PS3.5 6.2, AE; without a backslash
TEXT: Rule = ("a text", lambda value: isinstance(value, str) and bool(value.strip()))
TITLE: Rule = (
    "an AE title of 1 to 16 characters",
    lambda value: isinstance(value, str) and bool(AE_TITLE.fullmatch(value)),
)
PORT: Rule = ("a whole number from 1 to 65535", lambda value: type(value) is int and 0 < value < 65536)
SECONDS: Rule = ("seconds from 1 to 3600", lambda value: type(value) in (int, float) and 1 <= value <= 3600)
SERVERS: dict[str, dict[str, Rule]] = {
    "pacs": {
        "host": TEXT,
        "port": PORT,
        "ae_title": TITLE,
        "calling_ae_title": TITLE,
        "retrieve": ('"get" or "move"', lambda value: value in ("get", "move")),
        "listen_host": TEXT,
        "listen_port": PORT,
        "timeout_s": SECONDS,
    },
    "dicomweb": {
        "url": (
            "an http or https URL",
            lambda value: isinstance(value, str) and value.startswith(("http://", "https://")),
        ),
        "user": ("a text without a colon", lambda value: TEXT[1](value) and ":" not in value),
        "password_file": TEXT,
        "token_file": TEXT,
        "ca": TEXT,
        "timeout_s": SECONDS,
    },
}
NEEDED = {"pacs": ("host", "port", "ae_title"), "dicomweb": ("url",)}
DEFAULTS: dict[str, dict[str, Any]] = {
    "pacs": {"calling_ae_title": "FEDBUNDLE", "retrieve": "get", "timeout_s": 120},
    "dicomweb": {"timeout_s": 60},
}


def checked_settings(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with every table and key present.

    Args:
        raw: site.toml as read.

    Raises:
        SiteError: a key is unknown or missing, or a value has the wrong type or range.
    """
    tables = ("gpus", "limits", "deidentify", "datasets", "roles", "structures", "bindings", *SERVERS)
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
    if settings["limits"]["min_cell"] == 2:  # 0 is told as 0
        raise _wrong("limits.min_cell", '1 or at least 3, since "<2" says that it is one patient', 2)
    settings["deidentify"] = _deidentify(settings["deidentify"])
    for bundle, folder in settings["datasets"].items():
        if not NAME.fullmatch(bundle):
            raise _wrong(f"datasets.{bundle}", "named like a bundle", bundle)
        if not isinstance(folder, str) or not folder:
            raise _wrong(f"datasets.{bundle}", "a folder", folder)
    check_roles(settings["roles"])
    check_structures(settings["structures"])
    check_bindings(settings["bindings"])
    for kind in SERVERS:
        settings[kind] = {name: _server(kind, name, table) for name, table in settings[kind].items()}
    return settings


def _deidentify(given: dict[str, Any]) -> dict[str, Any]:
    """Table [deidentify] with its defaults."""
    _known("deidentify.", given, (*DEIDENTIFY, DEFACE))
    command = given.get(DEFACE, [])
    if not isinstance(command, list) or not all(isinstance(part, str) and part for part in command):
        raise _wrong(f"deidentify.{DEFACE}", "a list of texts", command)
    if command and {INPUT, OUTPUT} - {mark for mark in (INPUT, OUTPUT) if any(mark in part for part in command[1:])}:
        raise _wrong(f"deidentify.{DEFACE}", f"a program and arguments with {INPUT} and {OUTPUT}", command)
    for option, chosen in given.items():
        if option != DEFACE and not isinstance(chosen, bool):
            raise _wrong(f"deidentify.{option}", "true or false", chosen)
    return DEIDENTIFY | {DEFACE: []} | given


def _server(kind: str, name: str, given: Any) -> dict[str, Any]:
    """Table [kind.name] with its defaults."""
    place = f"{kind}.{name}"
    if not SERVER_NAME.fullmatch(name):
        raise _wrong(place, "named by 1 to 64 letters, digits, dashes or underscores", name)
    if not isinstance(given, dict):
        raise _wrong(place, "a table", given)
    _known(f"{place}.", given, tuple(SERVERS[kind]))
    table: dict[str, Any] = DEFAULTS[kind] | given
    for key in (*NEEDED[kind], *table):
        rule, holds = SERVERS[kind][key]
        if not holds(table.get(key)):
            raise _wrong(f"{place}.{key}", rule, table.get(key))
    if table.get("retrieve") == "move" and "listen_port" not in table:
        raise _wrong(f"{place}.listen_port", 'given with retrieve = "move"', None)
    if kind == "dicomweb" and ("user" in table) != ("password_file" in table):
        raise _wrong(f"{place}.user", "given together with password_file", table.get("user"))
    if "token_file" in table and "user" in table:
        raise _wrong(f"{place}.token_file", "given without user", table["token_file"])
    return table


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
