"""The proof of concept: interrupted at any moment it leaves no process behind; short, it runs to its end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
REPOSITORY = Path(__file__).parents[2]
POC = REPOSITORY / "poc" / "run.py"
BUNDLES = sorted(path.stem for path in (REPOSITORY / "jobs").glob("*.py"))


def start(workspace: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(POC), "--workspace", str(workspace), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def left_behind(workspace: Path) -> list[str]:
    """Command lines of living processes that name the workspace or were started for it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            if str(workspace).encode() in told:
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("sign", "seconds"),
    [
        ("phantoms, site homes", 0.2),  # the workers are being started
        ("phantoms, site homes", 2.0),
        ("start server and hospitals", 2.0),
        ("export the job", 1.0),
        ("submitted", 0.0),  # logging out
        ("round 0/", 2.0),
    ],
)
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, sign: str, seconds: float) -> None:
    workspace = tmp_path / "workspace"
    process = start(workspace, "--patients", "8")
    assert process.stdout is not None
    for line in process.stdout:
        if sign in line:
            break
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    deadline = time.monotonic() + 15
    while (left := left_behind(workspace)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == []


@pytest.mark.timeout(700)
@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_short_run_of_each_bundle_ends_with_a_report(bundle: str, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    process = start(workspace, "--bundle", bundle, "--patients", "16", "--rounds", "2")
    told = process.communicate(timeout=680)[0]
    assert process.returncode == 0, told[-3000:]
    (ledger,) = (workspace / "results").rglob("ledger.json")
    rounds = json.loads(ledger.read_text())["rounds"]
    assert [len(entry["sites"]) for entry in rounds] == [3, 3]
    predicted = {file.name for file in (workspace / "prediction").iterdir()}
    assert {"report.html", "result.json"} <= predicted
    assert any(name.startswith(bundle) and name.endswith((".sr.dcm", ".seg.dcm")) for name in predicted)
    assert list((workspace / "export").glob(f"{bundle}-*.zip"))
    assert left_behind(workspace) == []
