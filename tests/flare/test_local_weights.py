"""Weights that stay at a hospital, from round to round and from job to job."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fedbundle.errors import SiteError
from fedbundle.flare.local_weights import LocalWeights


def weights(value: float, size: int = 3) -> dict[str, np.ndarray]:
    return {"appearance.scale": np.full(size, value, np.float32)}


def value(found: object) -> float:
    return float(found["appearance.scale"][0])  # type: ignore[index]


def test_a_job_begins_where_the_last_one_was_selected(tmp_path: Path) -> None:
    job = LocalWeights(tmp_path, "job-1", "phantom")
    assert value(job.at(0, weights(9))) == 9
    for number in (1, 2, 3):
        job.put(number, weights(number))
    job.select({"shape.w": np.ones(1, np.float32)}, job.at(2, weights(9)))
    assert value(LocalWeights(tmp_path, "job-2", "phantom").at(0, weights(9))) == 2
    assert value(LocalWeights(tmp_path, "job-2", "full").at(0, weights(9))) == 9
    personal = torch.load(tmp_path / "phantom-personal.pt", weights_only=True)
    assert (set(personal), value(personal)) == ({"shape.w", "appearance.scale"}, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phantom-personal.pt", "phantom.pt"]


def test_a_site_that_missed_rounds_goes_on_from_its_last(tmp_path: Path) -> None:
    LocalWeights(tmp_path, "job-1", "phantom").put(2, weights(2))
    again = LocalWeights(tmp_path, "job-1", "phantom")  # as a new process
    assert value(again.at(5, weights(9))) == 2
    assert value(again.at(1, weights(9))) == 9
    again.begin()
    assert value(again.at(5, weights(9))) == 9


def test_weights_of_another_network_are_not_used(tmp_path: Path) -> None:
    LocalWeights(tmp_path, "job-1", "phantom").select({}, weights(1, size=4))
    assert value(LocalWeights(tmp_path, "job-2", "phantom").at(0, weights(9))) == 9


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    job = LocalWeights(tmp_path, "job-1", "phantom")
    job.next.write_bytes(b"no state dict")
    with pytest.raises(SiteError, match=r"phantom\.pt must be a state dict"):
        job.at(0, weights(9))
