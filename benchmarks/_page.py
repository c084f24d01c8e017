"""The page that the benchmarks of ingest write, each its own section."""

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "benchmarks" / "ingest.md"
HEAD = """# Ingest beside its peers

Written by the programs in `benchmarks/` (`make bench`), peers in the same run on the same files.
"""


def write_section(title: str, program: str, text: str) -> None:
    """Put a section in the place of the one with the same title, or at the end."""
    content = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else HEAD
    head, *sections = content.split("\n## ")
    kept = dict(section.split("\n", 1) for section in sections)
    kept[title] = f"\n{text.strip()}\n\n`{program}`, {_conditions()}.\n"
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n## ".join([head, *(f"{name}\n{body}" for name, body in kept.items())]), encoding="utf-8")


def _conditions() -> str:
    """Commit, Python, processors and memory: without them a figure says nothing."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no repository"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"commit {commit}, Python {platform.python_version()}, {os.cpu_count()} processors, {memory:.0f} GiB"
