"""Check a bundle in a process of its own: every rule is tried, and one that ends the process is named."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedbundle.bundle.archive import unpack
from fedbundle.bundle.declared import FULL, PHANTOM
from fedbundle.check.finding import FAILED, NOT_TRIED, Finding, Problem
from fedbundle.check.names import FULL_NAMES, NAMES
from fedbundle.check.report import Report
from fedbundle.errors import InputError

METADATA = "configs/metadata.json"  # subject has it too, and imports MONAI, which only the child needs
MOST_NAMED = 5  # bundles below a folder that is none
LIMIT_S = {PHANTOM: 900, FULL: 3600}  # for all rules of a size together


def check(bundle: Path, full: bool = False) -> Report:
    """Try every rule on a bundle folder or exported zip.

    The rules from `targets` on run code of the bundle, as training does.

    Args:
        bundle: folder or zip.
        full: also try what depends on the size in size `full`, which takes minutes.

    Raises:
        InputError: there is no such bundle, or the folder is none.
        BundleError: a zip that cannot be unpacked safely.
    """
    with tempfile.TemporaryDirectory(prefix="fedbundle-check-") as folder, _opened(bundle, Path(folder)) as root:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        findings = _examined(root, scratch, PHANTOM, NAMES)
        if full:
            more = _examined(root, scratch, FULL, FULL_NAMES)
            findings += [Finding(f"{f.rule} ({FULL})", f.result, f.seconds, f.told, f.problems) for f in more]
        return Report(root.name, findings)


@contextmanager
def _opened(bundle: Path, folder: Path) -> Iterator[Path]:
    if bundle.is_dir():
        if not (bundle / METADATA).is_file():
            raise InputError(f"bundle must be a folder with {METADATA}, got {bundle}; {_below(bundle)}")
        yield bundle.resolve()
    elif bundle.is_file():
        yield unpack(bundle, folder / "unpacked").resolve()
    else:
        raise InputError(f"bundle must be a folder or a zip, got {bundle}; check the path")


def _below(folder: Path) -> str:
    """What to do with a folder that is no bundle: name one of those in it."""
    found = sorted(path.parents[1] for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{METADATA}"))
    return f"name one of {', '.join(map(str, found[:MOST_NAMED]))}" if found else "check the path"


def _examined(root: Path, scratch: Path, size: str, names: Sequence[str]) -> list[Finding]:
    """Findings of a child; rules that it did not come to stand there as failed or not tried."""
    command = [sys.executable, "-P", "-m", "fedbundle.check.child", str(root), str(scratch), size, *names]
    findings: dict[str, Finding] = {}
    began = ""
    with (
        (scratch / f"{size}.log").open("w+b") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, text=True
        ) as child,
    ):
        late = threading.Timer(LIMIT_S[size], child.kill)
        late.start()
        try:
            for line in child.stdout or ():
                told = json.loads(line)
                began = told.get("began", began)
                if "rule" in told:
                    findings[told["rule"]] = Finding.of(told)
        finally:
            late.cancel()
            if child.poll() is None and sys.exc_info()[0]:
                child.kill()
        ended = child.wait()
        log.seek(0)
        last = (log.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
    for name in names:
        if name not in findings:
            findings[name] = _lost(name, began or names[0], ended, last)
    return list(findings.values())


def _lost(name: str, began: str, ended: int, last: str) -> Finding:
    if name != began:
        return Finding(name, NOT_TRIED, 0.0, f"the process ended in {began}")
    told = f"must leave the process running, got its end with status {ended}: {last[:300]}; mend what runs there"
    return Finding(name, FAILED, 0.0, "", (Problem("", "", told),))
