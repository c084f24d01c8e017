"""Weights that stay at a hospital, from round to round and from job to job."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from fedbundle.errors import SiteError
from fedbundle.flare.local_weights import LEFT_DAYS, Kept, LocalWeights

SHARED = {"shape.w": np.ones(1, np.float32)}


def weights(value: float, size: int = 3) -> dict[str, np.ndarray]:
    return {"appearance.scale": np.full(size, value, np.float32)}


def value(found: object) -> float:
    return float(found["appearance.scale"][0])  # type: ignore[index]


def of(folder: Path, job: str, size: str = "phantom", digest: str = "sha256:a") -> LocalWeights:
    return LocalWeights(folder, job, size, digest)


def end(folder: Path, job: str, number: float, size: int = 3) -> Path:
    """A job of one round that ends as it should."""
    one = of(folder, job)
    one.put(1, weights(number, size))
    one.select(1, SHARED, weights(number, size))
    return one.selected


def test_a_job_begins_where_the_last_one_was_selected(tmp_path: Path) -> None:
    job = of(tmp_path, "job-1")
    assert value(job.at(0, weights(9))) == 9
    for number in (1, 2, 3):
        job.put(number, weights(number))
    job.select(2, SHARED, job.at(2, weights(9)))
    assert value(of(tmp_path, "job-2").at(0, weights(9))) == 2
    assert value(of(tmp_path, "job-2", "full").at(0, weights(9))) == 9
    kept = Kept.read(tmp_path / "job-1-phantom.pt")
    assert (set(kept.weights), kept.stays, value(kept.weights)) == (
        {"shape.w", "appearance.scale"},
        ("appearance.scale",),
        2,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["job-1-phantom.pt"]


def test_each_job_has_its_own_file_and_the_newest_begins_the_next(tmp_path: Path) -> None:
    older, newer = end(tmp_path, "job-2", 1), end(tmp_path, "job-1", 2)
    os.utime(older, (1, 1))
    assert value(of(tmp_path, "job-3").at(0, weights(9))) == 2
    assert value(Kept.read(older).weights) == 1
    newer.unlink()  # as a steward may
    assert value(of(tmp_path, "job-3").at(0, weights(9))) == 1


def test_a_job_of_another_recipe_begins_with_first_weights_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    end(tmp_path, "job-1", 1)
    assert value(of(tmp_path, "job-2", digest="sha256:b").at(0, weights(9))) == 9
    assert "none of the 1 weights kept in" in caplog.text
    assert "are of recipe sha256:b" in caplog.text


def test_where_other_weights_stay_a_job_begins_with_first_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    end(tmp_path, "job-1", 1, size=4)
    assert value(of(tmp_path, "job-2").at(0, weights(9))) == 9
    assert "begins with first ones" in caplog.text


def test_a_site_that_missed_rounds_goes_on_from_its_last(tmp_path: Path) -> None:
    of(tmp_path, "job-1").put(2, weights(2))
    again = of(tmp_path, "job-1")  # as a new process
    assert value(again.at(5, weights(9))) == 2
    assert value(again.at(1, weights(9))) == 9
    again.begin()
    assert value(again.at(5, weights(9))) == 9


def test_a_site_that_trained_none_of_the_selected_rounds_keeps_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = end(tmp_path, "job-1", 1)
    late = of(tmp_path, "job-2")
    late.put(3, weights(3))
    late.select(2, SHARED, late.at(2, weights(9)))
    assert list(tmp_path.iterdir()) == [kept]
    assert "trained none of the 2 rounds" in caplog.text


def test_leftovers_of_jobs_that_were_aborted_go_after_a_while(tmp_path: Path) -> None:
    kept = end(tmp_path, "job-1", 1)
    for job in ("aborted", "running"):
        of(tmp_path, job).put(1, weights(1))
    long_ago = time.time() - (LEFT_DAYS + 1) * 86400
    for path in (tmp_path / "aborted", kept):
        os.utime(path, (long_ago, long_ago))
    of(tmp_path, "job-4").begin()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job-1-phantom.pt", "running"]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "job-1-phantom.pt").write_bytes(b"no state dict")
    with pytest.raises(SiteError, match=r"job-1-phantom\.pt must be what a job has kept, got"):
        of(tmp_path, "job-2").at(0, weights(9))
