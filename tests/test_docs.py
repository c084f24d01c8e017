"""The documentation: links lead somewhere, commands exist, the tutorial runs, no page is lost."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from fedbundle.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("bundles", "docs", "provisioning", "poc", "benchmarks")
MADE = ("workspace", "results")  # folders that runs write
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(page for folder in SOURCES for page in (ROOT / folder).rglob("*.md"))]
    if not set(MADE) & set(page.relative_to(ROOT).parts)
)
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def named(pages: list[Path]) -> list[str]:
    """Paths as test names."""
    return [page.relative_to(ROOT).as_posix() for page in pages]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Relative links of a page: file and heading."""
    for target in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            path, _, heading = target.partition("#")
            yield ((page.parent / path).resolve() if path else page), heading


def anchors(page: Path) -> set[str]:
    """What headings of a page are called in links: lower case, blanks to dashes, other signs dropped."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """Words of every `fedbundle ...` command in code blocks and code spans of a page."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`(fedbundle [^`\n]+)`", BLOCK.sub("", text))
    lines = [line.removeprefix("$ ").split("  #")[0] for _, block in BLOCK.findall(text) for line in block.splitlines()]
    yield from (command.split() for command in [*spans, *lines] if command.startswith("fedbundle "))


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in links(page):
        assert target.exists(), f"{target} is not there"
        assert not heading or heading in anchors(target), f"{target} has no heading {heading}"


def test_every_page_is_reached_from_the_readme() -> None:
    found, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found and page.suffix == ".md":
            found.add(page)
            waiting += [target for target, _ in links(page) if target.exists()]
    lost = {page for page in PAGES if (ROOT / "docs") in page.parents} - found
    assert not lost, f"no link leads to {lost}"


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_commands_that_pages_name_exist(page: Path) -> None:
    for words in commands(page):
        name = next((n for n in (" ".join(words[1:3]), words[1]) if n in VERBS), "")
        if words[1] in ("VERB", "--version"):
            continue
        assert name, f"no verb in {' '.join(words)}"
        flags = {f"--{field.name.replace('_', '-')}" for field in fields(VERBS[name])} | {"--help"}
        given = {word for word in words if word.startswith("--")}
        assert given <= flags, f"{name} has no {given - flags}"


def test_the_command_line_page_is_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / "cli_page.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", TUTORIALS, ids=named(TUTORIALS))
def test_the_tutorial_runs(page: Path, tmp_path: Path) -> None:
    blocks = [block for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == "console"]
    script = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    assert len(script) > 3
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", "\n".join(script)],
        cwd=ROOT,
        env=os.environ | {"PATH": path, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_test() -> None:
    assert TUTORIALS
    assert any(any(commands(page)) for page in PAGES)
