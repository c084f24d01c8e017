"""Weights that never leave the hospital: kept from round to round, and from one job to the next."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from fedbundle.errors import SiteError
from fedbundle.files import new_file
from fedbundle.flare.fedavg import Weights

ROUND = re.compile(r"(\d+)\.pt")


class LocalWeights:
    """State dicts of one bundle and size at one hospital.

    `<size>.pt` is what the next job begins with, `<size>-personal.pt` the hospital's whole network, shared weights
    included; both come from the round that was selected. While a job runs, `<job>/<round>.pt` are the weights at the
    beginning of each of its rounds, so a trainer that was killed goes on where it was.

    Args:
        folder: of the bundle, in `local/` of the site home.
        job: id of the job.
        size: `phantom` or `full`.
    """

    def __init__(self, folder: Path, job: str, size: str) -> None:
        self.rounds = folder / job
        self.next, self.personal = folder / f"{size}.pt", folder / f"{size}-personal.pt"

    def begin(self) -> None:
        """Forget the rounds of an earlier run of this name."""
        shutil.rmtree(self.rounds, ignore_errors=True)

    def at(self, number: int, first: Weights) -> Weights:
        """The weights with which round `number` begins, or the last that this site trained before it.

        Args:
            number: of the round; as many rounds have been trained.
            first: what to begin with where no job has left anything that fits; decides names and shapes.

        Raises:
            SiteError: a file is damaged.
        """
        kept = sorted((at for at in self._kept() if at <= number), reverse=True)
        for path in (*(self._path(at) for at in kept), self.next):
            found = _read(path)
            if found is not None and _fits(found, first):
                return found
        return first

    def put(self, number: int, weights: Weights) -> None:
        """Keep what round `number` will begin with."""
        _write(self._path(number), weights)

    def select(self, shared: Weights, local: Weights) -> None:
        """These were selected: keep them for the next job and for use, drop the rounds."""
        _write(self.next, local)
        _write(self.personal, {**shared, **local})
        self.begin()

    def _kept(self) -> list[int]:
        names = [ROUND.fullmatch(path.name) for path in self.rounds.glob("*.pt")]
        return [int(name[1]) for name in names if name]

    def _path(self, number: int) -> Path:
        return self.rounds / f"{number}.pt"


def _write(path: Path, weights: Weights) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as part:
        torch.save({name: torch.as_tensor(np.asarray(value)) for name, value in weights.items()}, part)


def _read(path: Path) -> Weights | None:
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.numpy() for name, value in state.items()}
    except Exception as error:  # torch's restricted unpickler meets damaged bytes with errors of any kind
        raise SiteError(
            f"local weights {path.name} must be a state dict, got {type(error).__name__}; delete the file or restore it"
        ) from error


def _fits(found: Mapping[str, np.ndarray], first: Weights) -> bool:
    return found.keys() == first.keys() and all(found[name].shape == np.shape(first[name]) for name in first)
