"""The journal after an interruption: whole studies stay, the last half-written one goes."""

from pathlib import Path

import pytest

from fedbundle.errors import DatasetError, OutputError
from fedbundle.site.journal import Journal, read_cases


def lines(case: str, count: int = 3, code: str = "USED") -> list[dict[str, object]]:
    return [{"case": case, "series": str(n), "series_in_study": count, "code": code} for n in range(count)]


@pytest.mark.parametrize("cut", [1, 30, 100, 170])
def test_a_study_that_was_cut_off_is_dropped_and_the_others_stay(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "ingest.jsonl"
    journal = Journal.open(path)
    for case in ("b", "a", "c"):
        journal.add(lines(case))
    path.write_bytes(path.read_bytes()[:-cut])
    reopened = Journal.open(path)
    assert reopened.cases == {case: lines(case) for case in ("a", "b")}
    reopened.add(lines("c"))
    assert Journal.open(path).cases == {case: lines(case) for case in ("a", "b", "c")}


def test_the_newest_decision_counts_and_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "ingest.jsonl"
    journal = Journal.open(path)
    journal.add(lines("a", 3, "LABEL_MISSING"))
    journal.add(lines("a", 2))
    assert Journal.open(path).cases == {"a": lines("a", 2)}
    assert len(path.read_text().splitlines()) == 2


def test_a_journal_that_has_gone_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "ingest.jsonl"
    journal = Journal.open(path)
    journal.add(lines("a"))
    path.unlink()
    with pytest.raises(OutputError, match="No such file"):
        journal.add(lines("b"))
    with pytest.raises(OutputError, match="No such file"):
        journal.compact()
    assert list(tmp_path.iterdir()) == []


def test_reading_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ingest.jsonl"
    journal = Journal.open(path)
    for case in ("b", "a"):
        journal.add(lines(case))
    path.write_bytes(path.read_bytes()[:-5])
    before = path.read_bytes()
    assert read_cases(path) == {"b": lines("b")}
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["nonsense\n", '{"case": "a"}\n', "[1]\n", '{"case": "a", "series_in_study": 0}\n'])
def test_a_foreign_line_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "ingest.jsonl").write_text(content)
    with pytest.raises(DatasetError, match="must hold what ingest wrote"):
        Journal.open(tmp_path / "ingest.jsonl")
