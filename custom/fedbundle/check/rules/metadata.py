"""The metadata keep the schema that the bundle carries."""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from fedbundle.bundle.layout import OURS, REQUIRED_METADATA
from fedbundle.check.finding import BrokenError, NotTriedError, Problem
from fedbundle.check.subject import METADATA, Subject

SCHEMA = "eval/schema.json"


def metadata(bundle: Subject) -> Iterator[Problem]:
    """Every key the schema asks for, and of the right kind; one network input called image, one output called pred."""
    if bundle.stock and not (bundle.root / SCHEMA).is_file():
        yield from _specified(bundle)
        return
    try:
        schema = json.loads((bundle.root / SCHEMA).read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except OSError as error:
        raise NotTriedError(f"{SCHEMA} cannot be read") from error
    except (ValueError, SchemaError) as error:
        raise BrokenError(SCHEMA, "", f"must be a JSON schema, got: {str(error).splitlines()[0]}; mend it") from error
    found = bundle.metadata
    errors = list(Draft202012Validator(schema).iter_errors(found))
    for wrong in errors:
        yield Problem(METADATA, "#".join(map(str, wrong.absolute_path)), f"{wrong.message} ({SCHEMA}); mend it")
    if not errors:
        for key in REQUIRED_METADATA:
            if key not in found:
                yield Problem(METADATA, key, f"must be there, got none, and {SCHEMA} does not ask for it; add it")
    if not bundle.stock:
        yield from _one_each(found.get("network_data_format"))


def _one_each(formats: Any) -> Iterator[Problem]:
    """One network input and one output, by the names that fedbundle uses."""
    if isinstance(formats, dict):
        for direction, only in (("inputs", "image"), ("outputs", "pred")):
            if list(formats.get(direction) or ()) != [only]:
                yield Problem(
                    METADATA, f"network_data_format#{direction}", f"must have the one entry {only!r}; mend it"
                )


def _specified(bundle: Subject) -> Iterator[Problem]:
    """The keys of MONAI's specification; its schema is a download, which a stock bundle seldom carries."""
    bundle.tell(f"no {SCHEMA}: only that the keys of MONAI's specification are there")
    for key in REQUIRED_METADATA:
        if key not in bundle.metadata and key not in OURS:
            yield Problem(METADATA, key, "must be there, got none; add it")
