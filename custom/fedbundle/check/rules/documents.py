"""The card says what the bundle is, what has been measured and where its limits are."""

import re
from collections.abc import Iterator

from fedbundle.check.finding import ExemptError, Problem
from fedbundle.check.subject import Subject

CARD = "docs/README.md"
TOLD = ("measured", "Limits")  # words of headings


def documents(bundle: Subject) -> Iterator[Problem]:
    """Model card with a title that names the bundle, its figures and its limits."""
    if bundle.stock:
        raise ExemptError("MONAI's specification asks for no headings of the card")
    path = bundle.root / CARD
    if not path.is_file():
        return
    card = path.read_text(encoding="utf-8", errors="replace")
    title = card.splitlines()[0] if card else ""
    if not title.startswith("# ") or bundle.root.name not in title:
        yield Problem(CARD, "", f"must begin with a title that names {bundle.root.name}, got {title!r}; mend it")
    told = re.findall(r"^## (.+)$", card, re.MULTILINE)
    for word in TOLD:
        if not any(word.lower() in heading.lower() for heading in told):
            yield Problem(CARD, "", f"must have a section with {word!r} in its heading, got none; add it")
