"""What every jobs/<name>.py does with its recipe: simulate, export, or submit and watch."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from fedbundle.errors import FedbundleError, FellShortError, InputError, JobRefusedError
from fedbundle.flare.ledger import find, render
from fedbundle.flare.recipe import BundleRecipe, simulation
from fedbundle.flare.watch import WatchedProdEnv, to_stderr


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """Options common to all jobs; NVFlare's own --export and --export-dir write the job folder instead."""

    rounds: int
    """Training rounds."""

    quorum: int = 2
    """Sites that must answer in every round."""

    local_epochs: int = 1
    """Passes over a site's training cases per round."""

    server_momentum: float = 0.0
    """0 for federated averaging; above, up to 0.99, the server keeps moving as earlier rounds moved (FedAvgM)."""

    gpus: int = 0
    """GPUs per site."""

    seed: int = 0
    """Seed of first weights, shuffling and augmentation."""

    size: Literal["phantom", "full"] = "phantom"
    """The bundle's small size for phantoms and CPUs, or its published recipe for GPUs."""

    keep_local: tuple[str, ...] = ()
    """Prefixes of weights that stay at the hospitals, besides those that the bundle declares."""

    batch_statistics: Literal["local", "shared"] = "local"
    """Whether running statistics of batch norms, means and variances of a hospital's images, travel."""

    env: Literal["sim", "prod"] = "prod"
    """NVFlare's simulator over local site homes, or a provisioned federation."""

    kit: Path | None = None
    """Prod: the data scientist's startup kit."""

    sites: Path | None = None
    """Sim: folder with one site home per participant, `server` among them."""

    out: Path = Path("results")
    """Where the result goes."""

    straggler_wait: float = 600.0
    """Seconds to wait for the others once the quorum has answered."""

    silence_limit: float = 20.0
    """Seconds without a sign of life after which a site counts as gone."""

    round_timeout: float = 7200.0
    """Seconds a round may take at most."""

    def settings(self) -> dict[str, Any]:
        """The settings of BundleRecipe among these."""
        names = [
            "rounds",
            "quorum",
            "local_epochs",
            "server_momentum",
            "gpus",
            "seed",
            "size",
            "keep_local",
            "batch_statistics",
        ]
        return {name: getattr(self, name) for name in [*names, "straggler_wait", "silence_limit", "round_timeout"]}


def options(*, rounds: int, local_epochs: int, server_momentum: float = 0.0) -> JobOptions:
    """Parse the command line over a job's own defaults."""
    default = JobOptions(rounds=rounds, local_epochs=local_epochs, server_momentum=server_momentum)
    return tyro.cli(JobOptions, default=default)


def run(recipe: BundleRecipe, chosen: JobOptions) -> int:
    """Do as the command line says; the ledger decides the exit code."""
    try:
        ledger = _simulate(recipe, chosen) if chosen.env == "sim" else _submit(recipe, chosen)
    except FedbundleError as error:
        sys.stderr.write(f"{error} [exit {error.code}]\n")
        return error.code
    sys.stdout.write(render(ledger) + "\n")
    return 0 if ledger["outcome"] == "COMPLETED" else FellShortError.code


def _simulate(recipe: BundleRecipe, chosen: JobOptions) -> dict[str, object]:
    if chosen.sites is None:
        raise InputError("--sites must name the folder with the site homes, got none")
    try:
        recipe.execute(simulation(chosen.sites, chosen.out))
    except RuntimeError as error:  # the simulator's word for any failed run; the ledger knows why
        sys.stderr.write(f"{error}\n")
    return find(chosen.out / recipe.name / "server")


def _submit(recipe: BundleRecipe, chosen: JobOptions) -> dict[str, object]:
    env = WatchedProdEnv(chosen.kit, chosen.out, to_stderr)
    end = env.follow(recipe.execute(env).get_job_id())  # with --export, execute writes the job folder and exits
    for participant, reason in end.reasons.items():
        sys.stderr.write(f"{participant}: {reason}\n")
    if end.ledger is None:
        raise JobRefusedError(f"job must be let in by the server and a quorum of sites, got {json.dumps(end.reasons)}")
    sys.stdout.write(f"result in {end.result}\n")
    return end.ledger
