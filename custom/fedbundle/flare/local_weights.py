"""Weights that never leave the hospital: kept from round to round, and from one job to the next."""

import logging
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fedbundle.errors import SiteError
from fedbundle.files import new_file
from fedbundle.flare.fedavg import Weights

ROUND = re.compile(r"(\d+)\.pt")
LEFT_DAYS = 30  # without a new round, after which a job's folder is a leftover


@dataclass(frozen=True)
class Kept:
    """One hospital's network as a job selected it."""

    recipe_digest: str
    stays: tuple[str, ...]  # names of the weights that never left
    weights: dict[str, torch.Tensor]  # the whole network: shared weights and those that stay

    @classmethod
    def read(cls, path: Path) -> "Kept":
        """SiteError for a damaged file; weights are read from disk when they are used."""
        content = _load(path, mmap=True)
        try:
            weights = dict(content["weights"])
            stays = tuple(name for name in content["stays"] if name in weights)
            return cls(str(content["recipe_digest"]), stays, weights)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, error) from error

    def local(self) -> dict[str, np.ndarray]:
        """What never left."""
        return {name: self.weights[name].numpy() for name in self.stays}


def kept_name(job: str, size: str) -> str:
    """Name of the file with what a job of that id and size has kept."""
    return f"{job}-{size}.pt"


class LocalWeights:
    """State dicts of one bundle and size at one hospital.

    `<job>-<size>.pt` is the hospital's whole network as that job selected it, see `Kept`; no other job writes it. A job
    begins with what stays of the newest one of its own recipe digest. While a job runs, `<job>/<round>.pt` are the
    weights at the beginning of each of its rounds, so a trainer that was killed goes on where it was.

    Args:
        folder: of the bundle, in `local/` of the site home.
        job: id of the job.
        size: `phantom` or `full`.
        recipe_digest: of the bundle that the job trains.
    """

    def __init__(self, folder: Path, job: str, size: str, recipe_digest: str) -> None:
        self.folder, self.size, self.recipe_digest = folder, size, recipe_digest
        self.rounds, self.selected = folder / job, folder / kept_name(job, size)

    def begin(self) -> None:
        """Forget the rounds of an earlier run of this name, and what jobs have left that never reached their end.

        Jobs of one bundle may run at once, and a hospital is not told of the end of a job that was aborted. So it goes
        by age: a job that runs changes its folder with every round that this hospital trains.
        """
        shutil.rmtree(self.rounds, ignore_errors=True)
        oldest = time.time() - LEFT_DAYS * 86400
        for path in self.folder.glob("*"):
            if path.is_dir() and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)

    def at(self, number: int, first: Weights) -> Weights:
        """The weights with which round `number` begins, or the last that this site trained before it.

        Args:
            number: of the round; as many rounds have been trained.
            first: what to begin with where no job of the same recipe has left anything; decides names and shapes.

        Raises:
            SiteError: a file is damaged.
        """
        trained = self._trained(number)
        if not trained:
            return self._begun(first)
        state = _load(self._path(trained[-1]))
        return {name: value.numpy() for name, value in state.items()}

    def put(self, number: int, weights: Weights) -> None:
        """Keep what round `number` will begin with."""
        _write(self._path(number), _tensors(weights))

    def select(self, number: int, shared: Weights, local: Weights) -> None:
        """`shared` of `number` rounds were selected: keep them with `local` for the next job and for use.

        Nothing is kept where this site had trained none of these rounds: its own weights never met the shared ones.
        """
        if self._trained(number):
            content = {
                "recipe_digest": self.recipe_digest,
                "stays": sorted(local),
                "weights": _tensors({**shared, **local}),
            }
            _write(self.selected, content)
        else:
            _log("trained none of the %d rounds that made the selected weights; none are kept of this job", number)
        shutil.rmtree(self.rounds, ignore_errors=True)

    def _begun(self, first: Weights) -> Weights:
        """What stays of the newest job of the same recipe; `first` where there is none."""
        jobs = sorted(self.folder.glob(kept_name("*", self.size)), key=lambda path: path.stat().st_mtime_ns)
        for path in reversed(jobs):
            kept = Kept.read(path)
            if kept.recipe_digest == self.recipe_digest:
                local = kept.local()
                if local.keys() == first.keys() and all(local[name].shape == np.shape(first[name]) for name in first):
                    return local
        if jobs:
            _log(
                "none of the %d weights kept in %s are of recipe %s and of what stays in this job; "
                "this site begins with first ones",
                *(len(jobs), self.folder.name, self.recipe_digest[:19]),
            )
        return first

    def _trained(self, number: int) -> list[int]:
        """Numbers of rounds up to `number` whose beginning is kept, ascending."""
        names = [ROUND.fullmatch(path.name) for path in self.rounds.glob("*.pt")]
        return sorted(int(name[1]) for name in names if name and int(name[1]) <= number)

    def _path(self, number: int) -> Path:
        return self.rounds / f"{number}.pt"


def _tensors(weights: Weights) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(np.asarray(value)) for name, value in weights.items()}


def _write(path: Path, content: dict[str, Any]) -> None:
    with new_file(path) as part:
        torch.save(content, part)


def _load(path: Path, mmap: bool = False) -> dict[str, Any]:
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True, mmap=mmap))
    except Exception as error:  # torch's restricted unpickler meets damaged bytes with errors of any kind
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> SiteError:
    return SiteError(
        f"local weights {path.name} must be what a job has kept, got {type(error).__name__}; "
        "delete the file or restore it"
    )


def _log(message: str, *values: object) -> None:
    logging.getLogger(__name__).warning(message, *values)
