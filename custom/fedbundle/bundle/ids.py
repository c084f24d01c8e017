"""Ids in a MONAI config that has not been evaluated: what stands there, with references and macros followed."""

from collections.abc import Mapping
from typing import Any

from fedbundle.bundle.layout import Bundle
from fedbundle.errors import BundleError
from fedbundle.files import read_json

SEPARATOR = "::"  # MONAI's own; files write #
NEEDED = {  # id of train.json -> what it is; the names are those of MONAI's specification (mb_properties.rst)
    "network_def": "the network as it is defined, before it is moved to a device",
    "train#trainer#network": "the network that is trained",
    "train#trainer#optimizer": "its optimizer",
    "validate#evaluator#network": "the network that is evaluated",
    "validate#evaluator#key_val_metric": "the metric by which weights are selected",
}
_LONGEST = 20  # references in a row; more are a circle


def found(config: Mapping[str, Any], key: str) -> Any:
    """The value at `key`, such as `train#dataset#data`; KeyError when there is none, or only a run would know."""
    return _followed(config, _at(config, key, 0), 0)


def has(config: Mapping[str, Any], key: str) -> bool:
    """Whether there is a value at `key`, as far as can be told without evaluating anything."""
    try:
        found(config, key)
    except KeyError:
        return False
    return True


def place(config: Mapping[str, Any], key: str, depth: int = 0) -> str:
    """The id at which what `key` names really stands, where something above it is a reference to another id.

    Raises:
        KeyError: something above it is not there.
    """
    above, _, last = key.replace("#", SEPARATOR).rpartition(SEPARATOR)
    if not above:
        return last
    where = place(config, above, depth)
    value = _at(config, where, depth)
    if isinstance(value, str) and value[:1] == "@":
        if depth > _LONGEST:
            raise KeyError(key)
        return place(config, f"{value[1:]}{SEPARATOR}{last}", depth + 1)
    return f"{where}{SEPARATOR}{last}"


def check_ids(bundle: Bundle) -> None:
    """See that a bundle has what a federation reaches for.

    Raises:
        BundleError: an id is missing; the message names it.
    """
    config = read_json(bundle.root / "configs" / "train.json")
    for key, what in NEEDED.items():
        if not isinstance(config, dict) or not has(config, key):
            raise BundleError(
                f"configs/train.json of {bundle.name} must have the id {key}, {what}, got none; "
                "a bundle without it cannot be federated, ask its authors"
            )


def _at(config: Mapping[str, Any], key: str, depth: int) -> Any:
    value: Any = config
    for part in key.replace("#", SEPARATOR).split(SEPARATOR):
        value = _followed(config, value, depth)
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (IndexError, ValueError, TypeError) as error:
            raise KeyError(key) from error
    return value


def _followed(config: Mapping[str, Any], value: Any, depth: int) -> Any:
    """What a whole-value reference or macro leads to; another value is given back as it is."""
    if isinstance(value, str) and value[:1] in ("@", "%") and len(value) > 1:
        if depth > _LONGEST:
            raise KeyError(value)
        return _followed(config, _at(config, value[1:], depth + 1), depth + 1)
    return value


def is_plain(value: Any) -> bool:
    """Whether a value of site.toml is data: a number, a truth value, or a text that MONAI would not evaluate."""
    return isinstance(value, bool | int | float) or (isinstance(value, str) and value[:1] not in ("$", "@", "%"))
