"""`digests.json`: what an exported bundle says its own digests are."""

import json
from pathlib import Path

from fedbundle.bundle.digest import recipe_digest, release_digest, short
from fedbundle.bundle.vendor import RECORD
from fedbundle.errors import DigestError
from fedbundle.files import write_json


def write_record(root: Path, name: str, version: str) -> dict[str, str]:
    """Write `digests.json` of the finished bundle folder `root` and return what it holds."""
    digests = {"recipe_digest": recipe_digest(root), "release_digest": release_digest(root)}
    record = {"bundle": name, "version": version, **digests}
    write_json(root / RECORD, record)
    return record


def check_record(root: Path) -> dict[str, str]:
    """Compare a bundle with the digests that it carries, and return them; without `digests.json` there are none.

    Raises:
        DigestError: it is not the bundle that was exported.
    """
    record = root / RECORD
    if not record.is_file():
        return {}
    try:
        recorded = json.loads(record.read_text(encoding="utf-8"))
        expected = {key: str(recorded[key]) for key in ("recipe_digest", "release_digest")}
    except (ValueError, KeyError, TypeError) as error:
        raise DigestError(f"{RECORD} of {root.name} must hold its two digests, got {error!r}; export again") from error
    for key, actual in (("recipe_digest", recipe_digest(root)), ("release_digest", release_digest(root))):
        if actual != expected[key]:
            raise DigestError(
                f"{key} of {root.name} must be {short(expected[key])} as {RECORD} says, got {short(actual)}; "
                "the bundle was changed after its export: fetch it again"
            )
    return expected
