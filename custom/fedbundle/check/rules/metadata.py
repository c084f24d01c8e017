"""The metadata keep the schema that the bundle carries."""

import json
from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from fedbundle.bundle.layout import REQUIRED_METADATA
from fedbundle.check.finding import BrokenError, NotTriedError, Problem
from fedbundle.check.subject import METADATA, Subject

SCHEMA = "eval/schema.json"


def metadata(bundle: Subject) -> Iterator[Problem]:
    """Every key the schema asks for, and of the right kind; one network input called image, one output called pred."""
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
    formats = found.get("network_data_format")
    if isinstance(formats, dict):
        for direction, only in (("inputs", "image"), ("outputs", "pred")):
            if list(formats.get(direction) or ()) != [only]:
                yield Problem(
                    METADATA, f"network_data_format#{direction}", f"must have the one entry {only!r}; mend it"
                )
