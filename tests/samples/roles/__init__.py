"""Roles of bundles that are not there yet, as configs/ingest.json would hold them."""

import json
from pathlib import Path
from typing import Any

ROLES = sorted(path.stem for path in Path(__file__).parent.glob("*.json"))


def role(name: str) -> dict[str, Any]:
    """Rules of one role."""
    rules: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    return rules
