"""The published JSON schema of ledger.json, and the part of it that one hospital's answer must keep."""

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator


def schema() -> dict[str, Any]:
    """The schema as published."""
    return dict(json.loads(resources.files("fedbundle.flare").joinpath("ledger.schema.json").read_text()))


@cache
def answer_validator() -> Draft202012Validator:
    """Validator of one site's entry in a round or an evaluation."""
    return Draft202012Validator({"$defs": schema()["$defs"], "$ref": "#/$defs/answer"})
