"""An exported bundle is the one that was exported."""

from collections.abc import Iterator

from fedbundle.bundle.record import check_record
from fedbundle.bundle.vendor import RECORD
from fedbundle.check.finding import Problem
from fedbundle.check.subject import Subject
from fedbundle.errors import DigestError


def digests(bundle: Subject) -> Iterator[Problem]:
    """`digests.json`, where the bundle carries one."""
    if not (bundle.root / RECORD).is_file():
        bundle.tell(f"no {RECORD}: not an export")
        return
    try:
        check_record(bundle.root)
    except DigestError as error:
        yield Problem(RECORD, "", str(error))
