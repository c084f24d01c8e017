"""A folder of 20,000 files: streamed within bounded memory, told with rate and time left, resumed after Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest
from samples.dicom_series import Stack, make_slices, write_slices
from samples.dicom_studies import write_bundle

from fedbundle.site.home import SiteHome

STUDIES, SLICES = 100, 200
MOST_MIB = 900  # headers of 20,000 files take 1,600
PROGRESS = re.compile(rb"studies: +\d+%.*\[\d\d:\d\d<\d\d:\d\d, +[\d.]+( studies/s|s/ studies)\]")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_thousand_files(tmp_path: Path, repository: Path) -> None:
    home = SiteHome.create(tmp_path / "site", "hospital-a")
    bundle = write_bundle(tmp_path / "bundles", repository)
    for study in range(STUDIES):
        slices = make_slices(Stack(study=study + 1, patient=f"PAT-{study:06}", slices=SLICES, step=1.0))
        write_slices(tmp_path / "dicom" / f"{study:03}", slices)
    command = [sys.executable, "-m", "fedbundle.cli", "ingest", "--site", str(home.path), "--bundle", str(bundle)]
    command += ["--dicom", str(tmp_path / "dicom"), "--json"]
    journal = home.dataset_dir("prostate_mri_zones") / "ingest.jsonl"

    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown, most = b"", 0.0
        while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < STUDIES // 3):
            shown += os.read(screen, 65536)
            most = max(most, psutil.Process(process.pid).memory_info().rss / 2**20)
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    os.close(screen)
    assert process.returncode == 130
    assert PROGRESS.search(shown)
    assert most < MOST_MIB

    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["files"]["read"] == STUDIES * SLICES
    assert told["studies"]["used"] == STUDIES
    assert STUDIES // 3 <= told["studies"]["unchanged"] < STUDIES
