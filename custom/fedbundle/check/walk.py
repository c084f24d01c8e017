"""Walk through a config that has not been evaluated."""

from collections.abc import Iterator, Mapping
from typing import Any

from fedbundle.check.subject import SEPARATOR, normal


def walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its key, from the top down; keys in MONAI's form."""
    yield key, value
    if isinstance(value, Mapping):
        below: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list):
        below = iter(enumerate(value))
    else:
        return
    for name, part in below:
        yield from walk(part, f"{key}{SEPARATOR}{normal(str(name))}" if key else normal(str(name)))


def found(config: Mapping[str, Any], key: str) -> Any:
    """The value at `key`; KeyError when there is none."""
    value: Any = config
    for part in normal(key).split(SEPARATOR):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (IndexError, ValueError, TypeError) as error:
            raise KeyError(key) from error
    return value


def has(config: Mapping[str, Any], key: str) -> bool:
    """Whether there is a value at `key`."""
    try:
        found(config, key)
    except KeyError:
        return False
    return True
