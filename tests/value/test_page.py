"""The value page: what a run did not measure anew stays as it was."""

from pathlib import Path

import pytest

from value import page
from value.tasks import TASKS


def test_sections_that_were_not_asked_for_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_ = TASKS
    before = f"# What\n\nold words\n\n## {first.bundle}\n\n0.9\n\n### Targets\n\nmet\n\n## {second.bundle}\n\n0.8\n"
    assert page.sections(before) == {
        first.bundle: f"## {first.bundle}\n\n0.9\n\n### Targets\n\nmet\n",
        second.bundle: f"## {second.bundle}\n\n0.8\n",
    }
    target = tmp_path / "value.md"
    target.write_text(before)
    monkeypatch.setattr(page, "PAGE", target)
    monkeypatch.setattr(page, "REPOSITORY", tmp_path)
    page.write_page([first], 5, tmp_path)  # nothing of it is in this workspace
    written = target.read_text()
    assert "old words" not in written
    assert {name: text for name, text in page.sections(written).items() if name in (first.bundle, second.bundle)} == (
        page.sections(before)
    )
    assert page.sections(written)[TASKS[-1].bundle].endswith("Not measured yet.\n")
