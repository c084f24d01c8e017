"""Copies of images are removed, and those of a killed process are found and cleared, wherever they lie."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedbundle.site.doctor import examine_site
from fedbundle.site.home import SiteHome
from fedbundle.site.spool import NOTES, forgotten, spool

READING = """
import os, sys
from pathlib import Path
from fedbundle.site.home import SiteHome
from fedbundle.site.spool import spool
with spool(SiteHome.open(Path(sys.argv[1])), Path(sys.argv[2])) as folder:
    (folder / "image.dcm").write_text("Vogel^Berta")
    print(oct(folder.stat().st_mode & 0o777), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    return SiteHome.create(tmp_path / "home", "hospital-a")


def reading(home: SiteHome, folder: Path) -> "subprocess.Popen[str]":
    """Another process that has copies in `folder`."""
    command = [sys.executable, "-c", READING, str(home.path), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "0o700\n"
    return process


def test_copies_of_a_killed_process_are_found_and_cleared(home: SiteHome, tmp_path: Path) -> None:
    left = tmp_path / "elsewhere"
    with reading(home, left) as process:
        assert forgotten(home) == []  # it goes on
        process.send_signal(signal.SIGKILL)
    assert forgotten(home) == [left]
    assert [str(left) in found.message for found in examine_site(home) if found.subject == "copies"] == [True]
    with spool(home, tmp_path / "next") as folder:
        assert folder.is_dir() and not left.exists()
    assert list((home.path / NOTES).iterdir()) == []


def test_those_of_a_process_that_goes_on_are_left_alone(home: SiteHome, tmp_path: Path) -> None:
    with reading(home, tmp_path / "first") as process:
        with spool(home, tmp_path / "second"):
            pass
        assert (tmp_path / "first" / "image.dcm").is_file()
        process.communicate("")
    assert not (tmp_path / "first").exists()
    assert list((home.path / NOTES).iterdir()) == []
